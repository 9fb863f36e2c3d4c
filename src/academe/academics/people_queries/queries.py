"""What there is of queries of people, and whom one finds; nothing here writes."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from academe.academics.models import Attendance, Enrollment, Offering, Program, StudentRecord, Term
from academe.academics.people_queries.models import PeopleQuery
from academe.academics.queries import TAKING_PART
from academe.academics.types import AttendanceStatus
from academe.identity.api import subtree
from academe.identity.models import OrgUnit
from academe.platform.http.pagination import SortKey

BY_NAME: Final = (SortKey("name", PeopleQuery.name), SortKey("id", PeopleQuery.id))


@dataclass(frozen=True, slots=True)
class ShownQuery:
    """A query with the names of what it asks for."""

    id: UUID
    institution_id: UUID
    org_unit_id: UUID
    name: str
    node: str
    program: str | None
    term: str | None
    cohort: str | None
    absences: int | None

    @property
    def words(self) -> str:
        """What it asks for, in a sentence."""
        parts = [f"Students in {self.node}"]
        if self.program:
            parts.append(f"who study {self.program}")
        if self.cohort:
            parts.append(f"of cohort {self.cohort}")
        if self.term:
            parts.append(f"in {self.term}")
        if self.absences:
            parts.append(f"with {self.absences} absences or more")
        return ", ".join(parts)


def queries(kept: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The queries for a condition, for `shown`."""
    return (
        select(
            PeopleQuery.id, PeopleQuery.institution_id, PeopleQuery.org_unit_id, PeopleQuery.name, OrgUnit.name,
            Program.title, Term.code, PeopleQuery.cohort, PeopleQuery.absences,
        )
        .join(OrgUnit, OrgUnit.id == PeopleQuery.org_unit_id)
        .outerjoin(Program, Program.id == PeopleQuery.program_id)
        .outerjoin(Term, Term.id == PeopleQuery.term_id)
        .where(kept, PeopleQuery.removed_at.is_(None))
    )  # fmt: skip


def shown(row: Row[*tuple[Any, ...]]) -> ShownQuery:
    """A row of `queries`."""
    return ShownQuery(*row[:9])


def found_by(query_id: UUID) -> Select[UUID]:
    """The ids of the people whom a query finds now; whoever asks sees those whose records they may read."""
    node = select(PeopleQuery.org_unit_id).where(PeopleQuery.id == query_id).scalar_subquery()
    here = and_(
        Offering.org_unit_id.in_(subtree(node)),
        or_(PeopleQuery.term_id.is_(None), Offering.term_id == PeopleQuery.term_id),
    )
    absences = (
        select(func.count())
        .select_from(Attendance)
        .join(Offering, Offering.id == Attendance.offering_id)
        .where(Attendance.student_id == StudentRecord.id, Attendance.status == AttendanceStatus.ABSENT, here)
        .correlate(StudentRecord, PeopleQuery)
        .scalar_subquery()
    )
    taking_part = (
        select(Enrollment.id)
        .join(Offering, Offering.id == Enrollment.offering_id)
        .where(Enrollment.student_id == StudentRecord.id, Enrollment.status.in_(TAKING_PART), here)
        .correlate(StudentRecord, PeopleQuery)
    )
    return (
        select(StudentRecord.person_id)
        .join(PeopleQuery, PeopleQuery.id == query_id)
        .where(
            StudentRecord.institution_id == PeopleQuery.institution_id,
            or_(PeopleQuery.program_id.is_(None), StudentRecord.program_id == PeopleQuery.program_id),
            or_(PeopleQuery.cohort.is_(None), StudentRecord.cohort == PeopleQuery.cohort),
            taking_part.exists(),
            or_(PeopleQuery.absences.is_(None), absences >= PeopleQuery.absences),
        )
    )
