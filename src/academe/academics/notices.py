"""What academics tells people: receivers of its facts, wired in `worker.py`. Each reads how things stand by now.

Who was withdrawn meanwhile is not told of a place, and who was marked present after all is not told of an absence.
"""

from typing import Any, Final

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
from academe.messaging.api import Notice, notify
from academe.messaging.types import NotificationKind
from academe.platform.actor import system_actor
from academe.platform.database.session import Session

OWN_PAGE: Final = "/my-progress"
"""Where students find their own records."""

ACTOR: Final = system_actor("tell people of their records")


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
    await notify(session, actor=ACTOR, notice=notice, receivers=[person_id])


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
    await notify(session, actor=ACTOR, notice=notice, receivers=[person_id])


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
    await notify(session, actor=ACTOR, notice=notice, receivers=(await session.scalars(absent)).all())


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
    await notify(session, actor=ACTOR, notice=notice, receivers=(await session.scalars(marked)).all())


def _enrolment(fact: EnrollmentCreated | EnrollmentWithdrawn, status: EnrollmentStatus) -> Select[*tuple[Any, ...]]:
    return (
        select(StudentRecord.person_id, Unit.code, Unit.title, Term.code)
        .join(Enrollment, Enrollment.student_id == StudentRecord.id)
        .join(Offering, Offering.id == Enrollment.offering_id)
        .join(Unit, Unit.id == Offering.unit_id)
        .join(Term, Term.id == Offering.term_id)
        .where(Enrollment.id == fact.enrollment_id, Enrollment.status == status)
    )
