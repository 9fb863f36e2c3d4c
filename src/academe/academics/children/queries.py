"""The record of a child as the guardian may see it; row-level security leaves out what is not covered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.errors import StudentNotFoundError
from academe.academics.models import (
    Assessment,
    Attendance,
    Enrollment,
    Meeting,
    Offering,
    Result,
    StudentRecord,
    Term,
    Unit,
)
from academe.academics.types import AttendanceStatus, EnrollmentStatus
from academe.identity.api import ShownGuardianship, guardianships
from academe.platform.actor import Actor
from academe.platform.errors import AuthenticationRequiredError

MOST = 500
"""Rows of attendance and of results that are shown, the newest first."""


@dataclass(frozen=True, slots=True)
class TakenOffering:
    """An offering that the child takes or took."""

    unit: str
    title: str
    term: str
    status: EnrollmentStatus


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the child came to a meeting."""

    day: date
    unit: str
    meeting: str
    status: AttendanceStatus


@dataclass(frozen=True, slots=True)
class Mark:
    """The child's outcome on an assessment; `score` is empty until it is marked."""

    unit: str
    assessment: str
    score: Decimal | None
    max_score: Decimal
    marked_on: date | None


@dataclass(frozen=True, slots=True)
class ChildRecord:
    """A child's record; a part that the guardian may not see is empty, and missing in `link.seen`."""

    link: ShownGuardianship
    offerings: Sequence[TakenOffering]
    attendance: Sequence[Presence]
    results: Sequence[Mark]


async def children_of(session: AsyncSession, actor: Actor) -> Sequence[ShownGuardianship]:
    """Those whom the actor looks after today."""
    if actor.person_id is None:
        raise AuthenticationRequiredError
    return await guardianships(session, guardian_id=actor.person_id)


async def child_for(session: AsyncSession, *, actor: Actor, person_id: UUID) -> ChildRecord:
    """The record of somebody whom the actor looks after; raises StudentNotFoundError for everybody else."""
    link = next((each for each in await children_of(session, actor) if each.student_id == person_id), None)
    if link is None:
        raise StudentNotFoundError
    return ChildRecord(
        link,
        await offerings_of(session, person_id) if "offerings" in link.seen else (),
        await attendance_of(session, person_id) if "attendance" in link.seen else (),
        await results_of(session, person_id) if "results" in link.seen else (),
    )


async def offerings_of(session: AsyncSession, person_id: UUID) -> Sequence[TakenOffering]:
    """What a student takes or took, the newest term first."""
    rows = await session.execute(
        select(Unit.code, Unit.title, Term.title, Enrollment.status)
        .join(StudentRecord, StudentRecord.id == Enrollment.student_id)
        .join(Offering, Offering.id == Enrollment.offering_id)
        .join(Unit, Unit.id == Offering.unit_id)
        .join(Term, Term.id == Offering.term_id)
        .where(StudentRecord.person_id == person_id)
        .order_by(Term.starts_on.desc(), Unit.code)
    )
    return [TakenOffering(*row) for row in rows]


async def attendance_of(session: AsyncSession, person_id: UUID) -> Sequence[Presence]:
    """Whether a student came, the newest meeting first, as far as the actor may see it."""
    rows = await session.execute(
        select(Attendance.date, Unit.code, Meeting.title, Attendance.status)
        .join(Meeting, Meeting.id == Attendance.meeting_id)
        .join(Offering, Offering.id == Attendance.offering_id)
        .join(Unit, Unit.id == Offering.unit_id)
        .where(Attendance.student_id.in_(_student(person_id)))
        .order_by(Attendance.date.desc(), Meeting.starts_at.desc())
        .limit(MOST)
    )
    return [Presence(*row) for row in rows]


async def results_of(session: AsyncSession, person_id: UUID) -> Sequence[Mark]:
    """What a student got, the newest mark first, as far as the actor may see it."""
    rows = await session.execute(
        select(Unit.code, Assessment.title, Result.score, Result.max_score, Result.marked_on)
        .join(Assessment, Assessment.id == Result.assessment_id)
        .join(Offering, Offering.id == Result.offering_id)
        .join(Unit, Unit.id == Offering.unit_id)
        .where(Result.student_id.in_(_student(person_id)))
        .order_by(Result.marked_on.desc().nulls_last(), Unit.code, Assessment.title)
        .limit(MOST)
    )
    return [Mark(*row) for row in rows]


def _student(person_id: UUID) -> Select[UUID]:
    return select(StudentRecord.id).where(StudentRecord.person_id == person_id)
