"""What academics tells people: receivers of its facts, wired in `worker.py`. Each reads how things stand by now.

Who was withdrawn meanwhile is not told of a place, and who was marked present after all is not told of an absence.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select

from academe.academics.facts import AttendanceRecorded, EnrollmentCreated, EnrollmentWithdrawn, ResultsPublished
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
from academe.messaging.api import Notice, TemplateKind, Variable, VariableType, notify_in_words
from academe.messaging.types import NotificationKind
from academe.platform.actor import system_actor
from academe.platform.database.session import Session

OWN_PAGE: Final = "/my-progress"
"""Where students find their own records."""

ACTOR: Final = system_actor("tell people of their records")

_UNIT: Final = Variable("unit", VariableType.TEXT, "The code of the unit", "MATH101")
_TERM: Final = Variable("term", VariableType.TEXT, "The code of the term", "2026A")
_LINK: Final = Variable("link", VariableType.LINK, "Their own records", OWN_PAGE)
_PLACE: Final = (
    _UNIT,
    Variable("unit_title", VariableType.TEXT, "The title of the unit", "Calculus"),
    _TERM,
    Variable("effective_on", VariableType.DATE, "The day from which it holds", date(2026, 2, 2)),
    _LINK,
)
ENROLLED: Final = TemplateKind("enrollment.created", "A place in an offering, to the student", _PLACE)
WITHDRAWN: Final = TemplateKind("enrollment.withdrawn", "The end of a place in an offering, to the student", _PLACE)
ABSENT: Final = TemplateKind(
    "attendance.absent",
    "An absence, to the student",
    (
        Variable("meeting", VariableType.TEXT, "The title of the meeting", "Lecture 3"),
        Variable("held_on", VariableType.DATE, "Its day", date(2026, 2, 16)),
        *(_UNIT, _TERM, _LINK),
    ),
)
RESULT: Final = TemplateKind(
    "results.published",
    "A result that is there, to the student; the mark is not in it",
    (Variable("assessment", VariableType.TEXT, "The title of the assessment", "Mid-term"), _UNIT, _TERM, _LINK),
)
TEMPLATE_KINDS: Final = (ENROLLED, WITHDRAWN, ABSENT, RESULT)
"""What an institution can word itself."""


async def tell_enrolled(session: Session, fact: EnrollmentCreated) -> None:
    """Tell a student that they have a place."""
    row = (await session.execute(_enrolment(fact, EnrollmentStatus.ENROLLED))).one_or_none()
    if row is None:
        return
    person_id, unit, title, term = row
    notice = Notice(
        NotificationKind.ENROLMENT,
        f"You are enrolled in {unit} {term}"[:200],
        f"{title}, from {fact.effective_on.day} {fact.effective_on:%B %Y}.",
        OWN_PAGE,
        f"enrolled:{fact.enrollment_id}:{fact.effective_on}",
    )
    values = {"unit": unit, "unit_title": title, "term": term, "effective_on": fact.effective_on}
    await _tell(session, ENROLLED, values, notice, [person_id])


async def tell_withdrawn(session: Session, fact: EnrollmentWithdrawn) -> None:
    """Tell a student that they have left an offering."""
    row = (await session.execute(_enrolment(fact, EnrollmentStatus.WITHDRAWN))).one_or_none()
    if row is None:
        return
    person_id, unit, title, term = row
    notice = Notice(
        NotificationKind.ENROLMENT,
        f"You are withdrawn from {unit} {term}"[:200],
        f"{title}, from {fact.effective_on.day} {fact.effective_on:%B %Y}. Ask your advisor if this is not right.",
        OWN_PAGE,
        f"withdrawn:{fact.enrollment_id}:{fact.effective_on}",
    )
    values = {"unit": unit, "unit_title": title, "term": term, "effective_on": fact.effective_on}
    await _tell(session, WITHDRAWN, values, notice, [person_id])


async def tell_absent(session: Session, fact: AttendanceRecorded) -> None:
    """Tell the students who are marked absent from a meeting, each once for the meeting."""
    meeting = (
        await session.execute(
            select(Meeting.title, Meeting.starts_at, Unit.code, Term.code)
            .join(Offering, Offering.id == Meeting.offering_id)
            .join(Unit, Unit.id == Offering.unit_id)
            .join(Term, Term.id == Offering.term_id)
            .where(Meeting.id == fact.meeting_id)
        )
    ).one_or_none()
    if meeting is None:
        return
    title, starts_at, unit, term = meeting
    absent = (
        select(StudentRecord.person_id)
        .join(Attendance, Attendance.student_id == StudentRecord.id)
        .where(Attendance.meeting_id == fact.meeting_id, Attendance.status == AttendanceStatus.ABSENT)
    )
    notice = Notice(
        NotificationKind.ATTENDANCE,
        f"You were marked absent from {title}"[:200],
        f"{unit} {term}, {starts_at.day} {starts_at:%B %Y}. If you were there, or could not come, tell your lecturer.",
        OWN_PAGE,
        f"absent:{fact.meeting_id}",
    )
    values: dict[str, str | date] = {"meeting": title, "held_on": starts_at.date(), "unit": unit, "term": term}
    await _tell(session, ABSENT, values, notice, (await session.scalars(absent)).all())


async def tell_results(session: Session, fact: ResultsPublished) -> None:
    """Tell students that there is a result; the mark itself is read on the page, by whoever signs in."""
    named = select(Assessment.title, Unit.code, Term.code).where(Assessment.id == fact.assessment_id)
    named = named.join(Offering, Offering.id == Assessment.offering_id).join(Unit, Unit.id == Offering.unit_id)
    row = (await session.execute(named.join(Term, Term.id == Offering.term_id))).one_or_none()
    if row is None:
        return
    title, unit, term = row
    marked = (
        select(StudentRecord.person_id)
        .join(Result, Result.student_id == StudentRecord.id)
        .where(
            Result.assessment_id == fact.assessment_id,
            Result.marked_on.is_not(None),
            Result.marked_on >= fact.marked_since,
            Result.carried_over.is_(False),
        )
    )
    notice = Notice(
        NotificationKind.GRADE,
        f"Your result of {title} is there"[:200],
        f"{unit} {term}.",
        OWN_PAGE,
        f"result:{fact.assessment_id}",
    )
    values = {"assessment": title, "unit": unit, "term": term}
    await _tell(session, RESULT, values, notice, (await session.scalars(marked)).all())


async def _tell(
    session: Session, kind: TemplateKind, values: Mapping[str, str | date], notice: Notice, people: Sequence[UUID]
) -> None:
    await notify_in_words(
        session, actor=ACTOR, kind=kind, values={**values, "link": notice.link}, notice=notice, receivers=people
    )


def _enrolment(fact: EnrollmentCreated | EnrollmentWithdrawn, status: EnrollmentStatus) -> Select[*tuple[Any, ...]]:
    return (
        select(StudentRecord.person_id, Unit.code, Unit.title, Term.code)
        .join(Enrollment, Enrollment.student_id == StudentRecord.id)
        .join(Offering, Offering.id == Enrollment.offering_id)
        .join(Unit, Unit.id == Offering.unit_id)
        .join(Term, Term.id == Offering.term_id)
        .where(Enrollment.id == fact.enrollment_id, Enrollment.status == status)
    )
