"""The only ways to a student's picture: for those who look after one of the student's offerings, and one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.errors import StudentNotFoundError
from academe.academics.models import Enrollment, Offering, Program, StudentRecord, Term, Unit
from academe.academics.types import EnrollmentStatus
from academe.identity.models import OrgUnit, Person
from academe.insight import policy
from academe.platform.actor import Actor
from academe.platform.errors import AuthenticationRequiredError


@dataclass(frozen=True, slots=True)
class Taken:
    """An offering that the student takes or took, with the enrolment in it."""

    enrollment_id: UUID
    offering_id: UUID
    unit_code: str
    unit_title: str
    term_title: str
    starts_on: date
    ends_on: date
    status: EnrollmentStatus
    enrolled_on: date | None
    withdrawn_on: date | None

    @property
    def name(self) -> str:
        """What it is called on pages."""
        return f"{self.unit_code} {self.unit_title}"


@dataclass(frozen=True, slots=True)
class SeenStudent:
    """A student with those offerings that the reader may look at, latest first; never without any."""

    offerings: Sequence[Taken]
    id: UUID
    person_id: UUID
    institution_id: UUID
    number: str
    name: str
    cohort: str | None
    program: str | None
    attribution: str | None
    is_restricted: bool

    def offering(self, offering_id: UUID | None) -> Taken:
        """The offering asked for when it is among these, else the latest."""
        return next((each for each in self.offerings if each.offering_id == offering_id), self.offerings[0])


async def student_for(session: AsyncSession, *, actor: Actor, student_id: UUID) -> SeenStudent:
    """A student in whose offerings the actor may see risk; raises StudentNotFoundError."""
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    return await _seen(session, StudentRecord.id == student_id, policy.risk_readable_by(actor))


async def own_record_of(session: AsyncSession, *, actor: Actor) -> SeenStudent:
    """The actor as a student; raises StudentNotFoundError for those who are none, or have no enrolment yet."""
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    return await _seen(session, StudentRecord.person_id == actor.person_id)


async def _seen(session: AsyncSession, *conditions: ColumnElement[bool]) -> SeenStudent:
    rows = (await session.execute(_enrollments().where(*conditions))).all()
    if not rows:
        raise StudentNotFoundError
    return SeenStudent([Taken(*row[9:]) for row in rows], *rows[0][:9])


def _enrollments() -> Select[*tuple[Any, ...]]:
    return (
        select(
            StudentRecord.id, StudentRecord.person_id, StudentRecord.institution_id, StudentRecord.number,
            Person.display_name, StudentRecord.cohort, Program.title, OrgUnit.data_attribution,
            Person.is_restricted, Enrollment.id, Offering.id, Unit.code, Unit.title, Term.title, Offering.starts_on,
            Offering.ends_on, Enrollment.status, Enrollment.enrolled_on, Enrollment.withdrawn_on,
        )
        .select_from(StudentRecord)
        .join(Person, Person.id == StudentRecord.person_id)
        .join(OrgUnit, OrgUnit.id == StudentRecord.institution_id)
        .outerjoin(Program, Program.id == StudentRecord.program_id)
        .join(Enrollment, Enrollment.student_id == StudentRecord.id)
        .join(Offering, Offering.id == Enrollment.offering_id)
        .join(Unit, Unit.id == Offering.unit_id)
        .join(Term, Term.id == Offering.term_id)
        .where(Enrollment.status.not_in([EnrollmentStatus.REJECTED]))
        .order_by(Offering.starts_on.desc(), Unit.code, Offering.id)
    )  # fmt: skip
