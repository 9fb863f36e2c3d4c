"""The only ways to an offering, an enrolment or a meeting: each takes the actor.

What the actor may not know of is not found (404); what the actor knows of and may not change is refused (403).
"""

from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, select
from sqlalchemy.orm import joinedload

from academe.academics import policy
from academe.academics.errors import EnrollmentNotFoundError, MeetingNotFoundError, OfferingNotFoundError
from academe.academics.models import Enrollment, Meeting, Offering, StudentRecord
from academe.platform.actor import Actor
from academe.platform.database.hot import HotStatement
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError, PermissionDeniedError

AnySession: TypeAlias = Session | ReadSession

_PLACE: Final = HotStatement(
    select(Offering.id, Offering.org_unit_id).where(Offering.id == bindparam("offering", type_=Uuid()))
)


class _Place(NamedTuple):
    id: UUID
    org_unit_id: UUID


async def offering_for(session: AnySession, *, actor: Actor, offering_id: UUID) -> Offering:
    """An offering whose roster the actor may see, with its unit and term; raises OfferingNotFoundError."""
    offering = (await session.execute(_readable(actor).where(Offering.id == offering_id))).scalar_one_or_none()
    if offering is None:
        raise OfferingNotFoundError
    return offering


async def require_roster_of(session: AnySession, *, actor: Actor, offering_id: UUID) -> None:
    """What `offering_for` checks, without loading the offering: for lists that are read all the time."""
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    rows = await _PLACE.rows(session, offering=offering_id)
    if not rows or not policy.can_read_roster(actor, _Place(*rows[0])):
        raise OfferingNotFoundError


async def offering_to_enrol(session: Session, *, actor: Actor, offering_id: UUID) -> Offering:
    """An offering whose enrolments the actor may change, locked until the transaction ends.

    The lock keeps two registrars from taking the last place at once. Raises OfferingNotFoundError and
    PermissionDeniedError.
    """
    locked = _readable(actor).where(Offering.id == offering_id).with_for_update(of=Offering)
    offering = (await session.execute(locked)).scalar_one_or_none()
    if offering is None:
        raise OfferingNotFoundError
    if not policy.can_enrol(actor, offering):
        raise PermissionDeniedError("Only convenors of this offering and registrars may change its roster.")
    return offering


async def enrollment_in(session: AnySession, *, offering: Offering, enrollment_id: UUID) -> Enrollment:
    """An enrolment, with its student, of an offering that a function above gave; raises EnrollmentNotFoundError."""
    wanted = (
        select(Enrollment)
        .where(Enrollment.id == enrollment_id, Enrollment.offering_id == offering.id)
        .options(joinedload(Enrollment.student).joinedload(StudentRecord.person))
    )
    enrollment = (await session.execute(wanted)).scalar_one_or_none()
    if enrollment is None:
        raise EnrollmentNotFoundError
    return enrollment


async def meeting_for(session: AnySession, *, actor: Actor, meeting_id: UUID) -> tuple[Meeting, Offering]:
    """A meeting of an offering whose roster the actor may see, and that offering; raises MeetingNotFoundError."""
    return await _meeting(session, _readable(actor).add_columns(Meeting), meeting_id)


async def meeting_to_record(session: Session, *, actor: Actor, meeting_id: UUID) -> tuple[Meeting, Offering]:
    """A meeting whose attendance the actor may record, locked so that two lecturers save one after the other.

    Raises MeetingNotFoundError and PermissionDeniedError.
    """
    locked = _readable(actor).add_columns(Meeting).with_for_update(of=Meeting)
    meeting, offering = await _meeting(session, locked, meeting_id)
    if not policy.can_take_attendance(actor, offering):
        raise PermissionDeniedError("Only those who teach this offering and registrars may record attendance.")
    return meeting, offering


async def _meeting(
    session: AnySession, wanted: Select[Offering, Meeting], meeting_id: UUID
) -> tuple[Meeting, Offering]:
    joined = wanted.join(Meeting, Meeting.offering_id == Offering.id).where(Meeting.id == meeting_id)
    row = (await session.execute(joined)).one_or_none()
    if row is None:
        raise MeetingNotFoundError
    offering, meeting = row
    return meeting, offering


def _readable(actor: Actor) -> Select[Offering]:
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    return (
        select(Offering)
        .where(policy.rosters_readable_by(actor))
        .options(joinedload(Offering.unit, innerjoin=True), joinedload(Offering.term, innerjoin=True))
    )
