"""JSON of legal holds."""

from uuid import UUID

from academe.identity import policy
from academe.identity.privacy.holds.queries import holds_on
from academe.identity.privacy.holds.schemas import HoldIn, HoldOut
from academe.identity.privacy.holds.service import KEEPERS_ONLY, lift_hold, place_hold
from academe.identity.service import about, known_person
from academe.platform.audit.service import record_access
from academe.platform.http.dependencies import SignedIn, WriteSession
from academe.platform.http.routing import api_router

router = api_router("/people/{person_id}/holds", tag="privacy")


@router.get("")
async def list_holds(person_id: UUID, actor: SignedIn, session: WriteSession) -> list[HoldOut]:
    """The legal holds in force on a person."""
    person = await known_person(session, actor, person_id)
    policy.require(policy.can_register_people(actor, person.institution_id), actor, KEEPERS_ONLY)
    record_access(session, actor=actor, subject=about(person), purpose="keeping records for the law")
    return [HoldOut.model_validate(each, from_attributes=True) for each in await holds_on(session, person_id)]


@router.post("", status_code=201)
async def add_hold(person_id: UUID, body: HoldIn, actor: SignedIn, session: WriteSession) -> HoldOut:
    """Keep the records of a person for the law."""
    hold = await place_hold(session, actor=actor, person_id=person_id, reason=body.reason, until=body.until)
    return HoldOut.model_validate(hold, from_attributes=True)


@router.post("/{hold_id}/lift")
async def end_hold(person_id: UUID, hold_id: UUID, actor: SignedIn, session: WriteSession) -> HoldOut:
    """End a hold that is in force."""
    await known_person(session, actor, person_id)
    return HoldOut.model_validate(await lift_hold(session, actor=actor, hold_id=hold_id), from_attributes=True)
