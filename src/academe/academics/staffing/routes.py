"""JSON of who teaches an offering."""

from uuid import UUID

from academe.academics.access import offering_for
from academe.academics.queries import staff_of
from academe.academics.schemas import StaffIn, StaffOut
from academe.academics.service import assign_staff, end_staff
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import api_router, safe_to_repeat

router = api_router("/offerings/{offering_id}/staff", tag="offerings")


@router.get("")
async def list_staff(offering_id: UUID, actor: SignedIn, session: ReadOnlySession) -> list[StaffOut]:
    """Who convenes and teaches the offering, or will."""
    return await _shown(session, actor, offering_id)


@router.post("", status_code=201)
@safe_to_repeat
async def add_staff(offering_id: UUID, body: StaffIn, actor: SignedIn, session: WriteSession) -> list[StaffOut]:
    """Appoint somebody; convenors of the offering appoint tutors, registrars everybody."""
    await offering_for(session, actor=actor, offering_id=offering_id)
    await assign_staff(session, actor=actor, offering_id=offering_id, **body.model_dump())
    return await _shown(session, actor, offering_id)


@router.delete("/{staff_id}", status_code=204)
@safe_to_repeat
async def remove_staff(offering_id: UUID, staff_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """End somebody's role in the offering at once."""
    await offering_for(session, actor=actor, offering_id=offering_id)
    await end_staff(session, actor=actor, offering_id=offering_id, staff_id=staff_id)


async def _shown(session: Session | ReadSession, actor: Actor, offering_id: UUID) -> list[StaffOut]:
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    members = await staff_of(session, offering.id, coming=True)
    return [StaffOut.model_validate(member, from_attributes=True) for member in members]
