"""JSON of guardians."""

from uuid import UUID

from academe.identity import policy
from academe.identity.access.guardians.queries import guardianships
from academe.identity.access.guardians.schemas import ConsentIn, GuardianIn, GuardianshipOut
from academe.identity.access.guardians.service import NOT_YOURS, consent, end_guardianship, link_guardian
from academe.identity.service import about, known_person
from academe.platform.audit.service import record_access
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import api_router, safe_to_repeat

router = api_router("", tag="guardians")


@router.get("/me/guardians")
async def list_own_guardians(actor: SignedIn, session: ReadOnlySession) -> list[GuardianshipOut]:
    """Who looks after the caller, and what they may see."""
    found = await guardianships(session, student_id=actor.person_id) if actor.person_id else ()
    return [GuardianshipOut.model_validate(each, from_attributes=True) for each in found]


@router.get("/people/{person_id}/guardians")
async def list_guardians(person_id: UUID, actor: SignedIn, session: WriteSession) -> list[GuardianshipOut]:
    """Who looks after a student, for those who keep records."""
    person = await known_person(session, actor, person_id)
    policy.require(policy.can_register_people(actor, person.institution_id), actor, NOT_YOURS)
    record_access(session, actor=actor, subject=about(person), purpose="keeping guardians")
    found = await guardianships(session, student_id=person_id)
    return [GuardianshipOut.model_validate(each, from_attributes=True) for each in found]


@router.post("/people/{person_id}/guardians", status_code=201)
@safe_to_repeat
async def add_guardian(
    person_id: UUID, body: GuardianIn, actor: SignedIn, session: WriteSession
) -> list[GuardianshipOut]:
    """Say that a person looks after a student."""
    await link_guardian(session, actor=actor, student_id=person_id, **body.model_dump())
    found = await guardianships(session, student_id=person_id)
    return [GuardianshipOut.model_validate(each, from_attributes=True) for each in found]


@router.put("/guardianships/{guardianship_id}/consent", status_code=204)
@safe_to_repeat
async def put_consent(guardianship_id: UUID, body: ConsentIn, actor: SignedIn, session: WriteSession) -> None:
    """Let one's guardian see these parts of one's record and no others."""
    await consent(session, actor=actor, guardianship_id=guardianship_id, parts=body.parts)


@router.delete("/guardianships/{guardianship_id}", status_code=204)
@safe_to_repeat
async def delete_guardianship(guardianship_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Let a guardianship end at once."""
    await end_guardianship(session, actor=actor, guardianship_id=guardianship_id)
