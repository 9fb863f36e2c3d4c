"""JSON of restrictions."""

from uuid import UUID

from academe.identity import policy
from academe.identity.privacy.restriction.schemas import RestrictionIn, RestrictionOut
from academe.identity.privacy.restriction.service import (
    KEEPERS_ONLY,
    lift_restriction,
    restrict_processing,
    restrictions_of,
)
from academe.identity.service import about, known_person
from academe.platform.audit.service import record_access
from academe.platform.http.dependencies import SignedIn, WriteSession
from academe.platform.http.routing import api_router

router = api_router("/people/{person_id}/restrictions", tag="privacy")


@router.get("")
async def list_restrictions(person_id: UUID, actor: SignedIn, session: WriteSession) -> list[RestrictionOut]:
    """Every restriction of a person, the newest first."""
    person = await known_person(session, actor, person_id)
    may = person.id == actor.person_id or policy.can_register_people(actor, person.institution_id)
    policy.require(may, actor, KEEPERS_ONLY)
    record_access(session, actor=actor, subject=about(person), purpose="restriction of processing")
    found = await restrictions_of(session, person.id)
    return [RestrictionOut.model_validate(each, from_attributes=True) for each in found]


@router.post("", status_code=201)
async def add_restriction(
    person_id: UUID, body: RestrictionIn, actor: SignedIn, session: WriteSession
) -> RestrictionOut:
    """Keep a person's data without using them."""
    placed = await restrict_processing(session, actor=actor, person_id=person_id, reason=body.reason)
    await session.refresh(placed)
    return RestrictionOut.model_validate(placed, from_attributes=True)


@router.post("/lift")
async def end_restriction(
    person_id: UUID, body: RestrictionIn, actor: SignedIn, session: WriteSession
) -> RestrictionOut:
    """Let a person's data be used again."""
    lifted = await lift_restriction(session, actor=actor, person_id=person_id, reason=body.reason)
    return RestrictionOut.model_validate(lifted, from_attributes=True)
