"""The only ways to an offering, an enrolment or a meeting: each takes the actor.

What the actor may not know of is not found (404); what the actor knows of and may not change is refused (403).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import Select, Text, Uuid, bindparam, cast, func, select
from sqlalchemy.orm import joinedload

from academe.academics import policy
from academe.academics.errors import EnrollmentNotFoundError, MeetingNotFoundError, OfferingNotFoundError
from academe.academics.models import Enrollment, Meeting, Offering, StudentRecord, Term, Unit
from academe.academics.types import EnrollmentStatus, OfferingStatus
from academe.platform.actor import Actor
from academe.platform.database.hot import HotStatement
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError, PermissionDeniedError

AnySession: TypeAlias = Session | ReadSession

_PLACE: Final = HotStatement(
    select(Offering.id, Offering.org_unit_id).where(Offering.id == bindparam("offering", type_=Uuid()))
)
_COUNTED: Final = (
    select(cast(Enrollment.status, Text).label("status"), func.count().label("number"))
    .where(Enrollment.offering_id == bindparam("offering", type_=Uuid()))
    .group_by(Enrollment.status)
    .subquery()
)
_SUMMARY: Final = HotStatement(
    select(
        Offering.id, Offering.org_unit_id, Unit.code, Unit.title, Term.code, Term.title,
        Offering.starts_on, Offering.ends_on, cast(Offering.status, Text),
        select(func.json_object_agg(_COUNTED.c.status, _COUNTED.c.number)).scalar_subquery(),
    )
    .join(Unit, Unit.id == Offering.unit_id)
    .join(Term, Term.id == Offering.term_id)
    .where(Offering.id == bindparam("offering", type_=Uuid()))
)  # fmt: skip

_LOCKED_MEETING: Final = HotStatement(
    select(
        Meeting.id, Meeting.starts_at, Meeting.attendance_version,
        Offering.id, Offering.org_unit_id, Offering.institution_id,
    )
    .join(Offering, Offering.id == Meeting.offering_id)
    .where(Meeting.id == bindparam("meeting", type_=Uuid()))
    .with_for_update(of=Meeting)
)  # fmt: skip


class _Place(NamedTuple):
    id: UUID
    org_unit_id: UUID


class MeetingToRecord(NamedTuple):
    """A meeting as far as recording its attendance needs it, and where its offering belongs."""

    id: UUID
    starts_at: datetime
    attendance_version: int
    offering_id: UUID
    org_unit_id: UUID
    institution_id: UUID


class Named(NamedTuple):
    """The code and title of a unit or a term."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class OfferingSummary:
    """An offering as the pages that are read most often name it; what they show of it and no more.

    `counts` says how many enrolments stand where; statuses without any are left out.
    """

    id: UUID
    org_unit_id: UUID
    unit: Named
    term: Named
    starts_on: date
    ends_on: date
    status: OfferingStatus
    counts: Mapping[EnrollmentStatus, int]


async def offering_for(session: AnySession, *, actor: Actor, offering_id: UUID) -> Offering:
    """An offering whose roster the actor may see, with its unit and term; raises OfferingNotFoundError."""
    offering = (await session.execute(_readable(actor).where(Offering.id == offering_id))).scalar_one_or_none()
    if offering is None:
        raise OfferingNotFoundError
    return offering


async def offering_summary(session: ReadSession, *, actor: Actor, offering_id: UUID) -> OfferingSummary:
    """What `offering_for` gives and checks, in a quarter of its time: for pages that are read all the time."""
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    rows = await _SUMMARY.rows(session, offering=offering_id)
    if not rows or not policy.can_read_roster(actor, _Place(*rows[0][:2])):
        raise OfferingNotFoundError
    identity, org_unit_id, unit, unit_title, term, term_title, starts_on, ends_on, status, counts = rows[0]
    return OfferingSummary(
        identity, org_unit_id, Named(unit, unit_title), Named(term, term_title), starts_on, ends_on,
        OfferingStatus(status), {EnrollmentStatus(each): number for each, number in (counts or {}).items()},
    )  # fmt: skip


async def require_roster_of(
    session: AnySession, *, actor: Actor, offering_id: UUID, org_unit_id: UUID | None = None
) -> None:
    """What `offering_for` checks, without loading the offering: for lists that are read all the time.

    `org_unit_id` is the node of the offering where another statement has told it already.
    """
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    if org_unit_id is None:
        rows = await _PLACE.rows(session, offering=offering_id)
        org_unit_id = rows[0][1] if rows else None
    if org_unit_id is None or not policy.can_read_roster(actor, _Place(offering_id, org_unit_id)):
        raise OfferingNotFoundError


async def offering_to_enrol(session: Session, *, actor: Actor, offering_id: UUID) -> Offering:
    """An offering whose enrolments the actor may change, locked until the transaction ends.

    The lock keeps two registrars from taking the last place at once. Raises OfferingNotFoundError and
    PermissionDeniedError.
    """
    locked = (
        _readable(actor)
        .where(Offering.id == offering_id)
        .with_for_update(of=Offering)
        .execution_options(populate_existing=True)
    )
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
    wanted = _readable(actor).add_columns(Meeting).join(Meeting, Meeting.offering_id == Offering.id)
    row = (await session.execute(wanted.where(Meeting.id == meeting_id))).one_or_none()
    if row is None:
        raise MeetingNotFoundError
    offering, meeting = row
    return meeting, offering


async def meeting_to_record(session: Session, *, actor: Actor, meeting_id: UUID) -> MeetingToRecord:
    """A meeting whose attendance the actor may record, locked so that two lecturers save one after the other.

    Raises MeetingNotFoundError and PermissionDeniedError.
    """
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    rows = await _LOCKED_MEETING.rows(session, meeting=meeting_id)
    if not rows:
        raise MeetingNotFoundError
    meeting = MeetingToRecord(*rows[0])
    place = _Place(meeting.offering_id, meeting.org_unit_id)
    if not policy.can_read_roster(actor, place):
        raise MeetingNotFoundError
    if not policy.can_take_attendance(actor, place):
        raise PermissionDeniedError("Only those who teach this offering and registrars may record attendance.")
    return meeting


# Rows are locked with `populate_existing`: what the session has loaded before may have been changed while it waited.


def _readable(actor: Actor) -> Select[Offering]:
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    return (
        select(Offering)
        .where(policy.rosters_readable_by(actor))
        .options(joinedload(Offering.unit, innerjoin=True), joinedload(Offering.term, innerjoin=True))
    )
