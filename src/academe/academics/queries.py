"""What academics can be asked about offerings; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Text, Uuid, and_, bindparam, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from academe.academics.models import Enrollment, Meeting, Offering, OfferingStaff, Term, Unit
from academe.academics.types import EnrollmentStatus, OfferingStatus, StaffRole
from academe.identity.models import Person
from academe.platform import clock
from academe.platform.actor import RoleScope
from academe.platform.database.hot import HotStatement

TAKING_PART = (EnrollmentStatus.ENROLLED, EnrollmentStatus.COMPLETED)
"""Statuses of students who belong to the class."""


@dataclass(frozen=True, slots=True)
class OfferingRow:
    """An offering in a list. `students` counts those who take part, as far as the asking person may see them."""

    id: UUID
    unit_code: str
    unit_title: str
    term_code: str
    term_title: str
    starts_on: date
    ends_on: date
    status: OfferingStatus
    students: int


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody who teaches or convenes an offering, from when until when, and who said so."""

    name: str
    role: StaffRole
    id: UUID
    person_id: UUID
    starts_on: date
    ends_on: date | None
    granted_by: str | None


@dataclass(frozen=True, slots=True)
class NextMeeting:
    """The meeting of an offering that comes next."""

    id: UUID
    title: str
    starts_at: datetime
    room: str


def offerings(readable: ColumnElement[bool], *, term_id: UUID | None = None, search: str = "") -> Select[Any]:
    """The offerings for which `readable` holds, with the columns of an OfferingRow.

    `search` is found in the unit's code and title, whatever the case.
    """
    students = (
        select(func.count())
        .select_from(Enrollment)
        .where(Enrollment.offering_id == Offering.id, Enrollment.status.in_(TAKING_PART))
        .scalar_subquery()
    )
    wanted = (
        select(
            Offering.id, Unit.code, Unit.title, Term.code, Term.title,
            Offering.starts_on, Offering.ends_on, Offering.status, students,
        )
        .join(Unit, Unit.id == Offering.unit_id)
        .join(Term, Term.id == Offering.term_id)
        .where(readable)
    )  # fmt: skip
    if term_id is not None:
        wanted = wanted.where(Offering.term_id == term_id)
    if search:
        wanted = wanted.where(or_(*(column.icontains(search, autoescape=True) for column in (Unit.code, Unit.title))))
    return wanted


def offering_row(row: Row[*tuple[Any, ...]]) -> OfferingRow:
    """A row of `offerings` by its names."""
    return OfferingRow(*row[:9])


async def terms_with_offerings(session: AsyncSession, readable: ColumnElement[bool]) -> Sequence[Term]:
    """The terms in which there is an offering for which `readable` holds, latest first."""
    taught = select(Offering.term_id).where(readable)
    found = await session.execute(select(Term).where(Term.id.in_(taught)).order_by(Term.starts_on.desc(), Term.id))
    return found.scalars().all()


_STATUS_COUNTS: Final = HotStatement(
    select(cast(Enrollment.status, Text), func.count())
    .where(Enrollment.offering_id == bindparam("offering", type_=Uuid()))
    .group_by(Enrollment.status)
)


async def status_counts(session: AsyncSession, offering_id: UUID) -> dict[EnrollmentStatus, int]:
    """How many enrolments of an offering stand where; statuses without any are left out."""
    rows = await _STATUS_COUNTS.rows(session, offering=offering_id)
    return {EnrollmentStatus(status): count for status, count in rows}


def teaching_on(day: date) -> ColumnElement[bool]:
    """Roles in offerings that are held on a day; both ends are inclusive."""
    return and_(OfferingStaff.starts_on <= day, or_(OfferingStaff.ends_on.is_(None), OfferingStaff.ends_on >= day))


async def staff_of(session: AsyncSession, offering_id: UUID, *, coming: bool = False) -> Sequence[StaffMember]:
    """Who convenes and teaches an offering today: convenors first, then by name. With `coming`, who will as well."""
    giver = aliased(Person)
    today = clock.now().date()
    held = or_(OfferingStaff.ends_on.is_(None), OfferingStaff.ends_on >= today) if coming else teaching_on(today)
    rows = await session.execute(
        select(
            Person.display_name, OfferingStaff.role, OfferingStaff.id, Person.id,
            OfferingStaff.starts_on, OfferingStaff.ends_on, giver.display_name,
        )
        .join(Person, Person.id == OfferingStaff.person_id)
        .outerjoin(giver, giver.id == OfferingStaff.granted_by)
        .where(OfferingStaff.offering_id == offering_id, held)
        .order_by(OfferingStaff.role, Person.display_name)
    )  # fmt: skip
    return [StaffMember(*row) for row in rows]


async def next_meeting(session: AsyncSession, offering_id: UUID, after: datetime) -> NextMeeting | None:
    """The first meeting of an offering that ends after a moment."""
    row = (
        await session.execute(
            select(Meeting.id, Meeting.title, Meeting.starts_at, Meeting.room)
            .where(Meeting.offering_id == offering_id, Meeting.ends_at > after)
            .order_by(Meeting.starts_at, Meeting.id)
            .limit(1)
        )
    ).one_or_none()
    return NextMeeting(*row) if row else None


async def offering_scopes(session: AsyncSession, person_id: UUID) -> Sequence[RoleScope]:
    """The roles a person holds in offerings, for the resolver that makes actors of requests."""
    rows = await session.execute(
        select(OfferingStaff.role, Offering.id, Offering.institution_id)
        .join(Offering, Offering.id == OfferingStaff.offering_id)
        .where(OfferingStaff.person_id == person_id, teaching_on(clock.now().date()))
    )
    return [
        RoleScope(role=role.value, institution_id=institution_id, offering_id=offering_id)
        for role, offering_id, institution_id in rows
    ]
