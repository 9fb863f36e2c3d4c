"""Facts that tell people: each through the outbox or the queue as a worker does it, from the verb to the bell."""

from datetime import timedelta

import polars as pl
import pytest
from pydantic import BaseModel
from sqlalchemy import select

from academe.academics.api import Mark, enrol_student, load_results, record_attendance, withdraw_student
from academe.academics.models import Attendance
from academe.academics.types import AttendanceStatus
from academe.identity.facts import SignInChange, SignInChanged
from academe.insight.facts import RiskScored
from academe.insight.models import RiskScore
from academe.insight.notices import tell_advisors
from academe.insight.types import band_of
from academe.lrs.facts import ForwardPaused
from academe.messaging.mail.models import MailMessage
from academe.messaging.notifications.models import Notification
from academe.messaging.notifications.service import Preference, set_preferences
from academe.messaging.types import EmailMode, NotificationKind
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import Database, Session
from academe.platform.errors import ConflictError
from academe.platform.ids import new_id
from academe.platform.jobs.kinds import JobContext, job
from academe.platform.jobs.service import enqueue
from academe.platform.outbox.service import announce
from academe.worker import make_queue
from tests.insight.scores import WEEKS, day_of, score_school
from tests.schools import School, TwoSchools, build_two_schools

pytestmark = pytest.mark.anyio

SYSTEM = system_actor("test")
Told = list[tuple[NotificationKind, str, str]]


class Nothing(BaseModel):
    """A job that is told nothing."""


@job("test.refused", title="A job that is refused")
async def refused(_context: JobContext, _arguments: Nothing) -> None:
    raise ConflictError("This does not fit.")


@pytest.fixture
async def home(own_database: Database) -> School:
    """A school that is committed, for a worker to find."""
    async with own_database.transaction(SYSTEM) as session:
        return (await build_two_schools(session)).home


async def told(database: Database, home: School, who: str) -> Told:
    """What a worker has told somebody, once it has done what waits; done twice, it stays as it is."""
    for _ in range(2):
        await make_queue(database).run(until_empty=True)
    own = Notification.person_id == home.people[who].id
    async with database.transaction(home.actor(who)) as session:
        rows = (await session.scalars(select(Notification).where(own).order_by(Notification.id))).all()
        return [(row.kind, row.title, row.link) for row in rows]


async def enrol(database: Database, home: School, actor: Actor) -> None:
    async with database.transaction(actor) as session:
        await enrol_student(session, actor=actor, offering_id=home.offering.id, student_number="10004")


async def test_who_signs_in_otherwise_is_told_by_e_mail_whatever_they_chose(
    own_database: Database, home: School
) -> None:
    student = home.actor("student0")
    async with own_database.transaction(student) as session:
        nowhere = {NotificationKind.SYSTEM: Preference(False, EmailMode.OFF)}
        await set_preferences(session, actor=student, wanted=nowhere)
    async with own_database.transaction(SYSTEM) as session:
        await announce(session, SignInChanged(home.people["student0"].id, SignInChange.PASSWORD_CHANGED))
    (notice,) = await told(own_database, home, "student0")
    assert notice == (NotificationKind.SYSTEM, "The password of your account was changed", "/account/security")
    async with own_database.transaction(SYSTEM) as session:
        (letter,) = (await session.scalars(select(MailMessage))).all()
    assert (letter.person_id, letter.content["title"]) == (home.people["student0"].id, notice[1])


async def test_a_student_is_told_of_a_place_and_of_its_end(own_database: Database, home: School) -> None:
    registrar = home.actor("registrar")
    await enrol(own_database, home, registrar)
    enrolled = (NotificationKind.ENROLMENT, "You are enrolled in MATH101 2026A", "/my-progress")
    assert await told(own_database, home, "student4") == [enrolled]
    async with own_database.transaction(registrar) as session:
        leaving = home.enrollment_of(0).id
        await withdraw_student(
            session, actor=registrar, offering_id=home.offering.id, enrollment_id=leaving, reason="moved"
        )
    (withdrawn,) = await told(own_database, home, "student0")
    assert withdrawn[1] == "You are withdrawn from MATH101 2026A"


async def test_absent_is_told_once_and_present_never(own_database: Database, home: School) -> None:
    lecturer = home.actor("lecturer")
    marks = [
        Mark(home.students[0].id, AttendanceStatus.ABSENT),
        Mark(home.students[1].id, AttendanceStatus.PRESENT),
    ]
    async with own_database.transaction(lecturer) as session:
        await record_attendance(session, actor=lecturer, meeting_id=home.meeting.id, marks=marks)
    absent = (NotificationKind.ATTENDANCE, "You were marked absent from Lecture 1", "/my-progress")
    assert await told(own_database, home, "student0") == [absent]
    assert await told(own_database, home, "student1") == []
    other = [Mark(home.students[0].id, AttendanceStatus.EXCUSED), Mark(home.students[1].id, AttendanceStatus.ABSENT)]
    async with own_database.transaction(lecturer) as session:
        await record_attendance(session, actor=lecturer, meeting_id=home.meeting.id, marks=other)
    assert await told(own_database, home, "student0") == [absent]
    assert len(await told(own_database, home, "student1")) == 1


async def test_what_was_corrected_before_is_not_told(own_database: Database, home: School) -> None:
    lecturer = home.actor("lecturer")
    for status in (AttendanceStatus.ABSENT, AttendanceStatus.PRESENT):
        async with own_database.transaction(lecturer) as session:
            marks = [Mark(home.students[0].id, status)]
            await record_attendance(session, actor=lecturer, meeting_id=home.meeting.id, marks=marks)
    assert await told(own_database, home, "student0") == []
    async with own_database.transaction(SYSTEM) as session:
        row = (await session.scalars(select(Attendance).where(Attendance.student_id == home.students[0].id))).one()
        assert row.status is AttendanceStatus.PRESENT


@pytest.mark.parametrize(("days_ago", "is_news"), [(1, True), (30, False)])
async def test_a_new_result_is_told_without_the_mark(
    own_database: Database, home: School, days_ago: int, is_news: bool
) -> None:
    marked = clock.now().date() - timedelta(days=days_ago)
    rows = pl.DataFrame(
        {
            "unit_code": ["MATH101"],
            "term_code": ["2026A"],
            "title": ["Assignment 1"],
            "number": ["10001"],
            "submitted_on": [marked],
            "marked_on": [marked],
            "score": [77.5],
            "carried_over": [False],
        }
    )
    async with own_database.transaction(SYSTEM) as session:
        await load_results(session, actor=SYSTEM, institution_id=home.institution.id, rows=rows)
    expected: Told = [(NotificationKind.GRADE, "Your result of Assignment 1 is there", "/my-progress")]
    assert await told(own_database, home, "student1") == (expected if is_news else [])
    assert await told(own_database, home, "student0") == []


async def test_a_job_that_fails_tells_who_asked(own_database: Database, home: School) -> None:
    registrar = home.actor("registrar")
    async with own_database.transaction(registrar) as session:
        job_id = await enqueue(session, actor=registrar, job=refused, arguments=Nothing())
    async with own_database.transaction(SYSTEM) as session:
        await enqueue(session, actor=SYSTEM, job=refused, arguments=Nothing())
    found = await told(own_database, home, "registrar")
    assert found == [(NotificationKind.SYSTEM, "This did not work: A job that is refused", f"/jobs/{job_id}")]


async def test_a_forward_that_pauses_tells_who_looks_after_it(own_database: Database, home: School) -> None:
    forward, why = new_id(), "The other store refuses the credentials (401)."
    async with own_database.transaction(SYSTEM) as session:
        for institution in (home.institution.id, None):
            await announce(session, ForwardPaused(forward, institution, "Research", why))
    assert await told(own_database, home, "administrator") == [
        (NotificationKind.SYSTEM, "Forwarding to Research has paused", f"/lrs/forwards/{forward}")
    ]
    assert await told(own_database, home, "registrar") == []


class TestRisk:
    async def test_the_advisor_is_told_how_many_rose_and_no_student(
        self, session: Session, two_schools: TwoSchools
    ) -> None:
        home = two_schools.home
        scored = await score_school(session, home)
        # Of the class, one stays critical, one becomes high, the others stay below.
        for student, probability in ((0, 0.9), (1, 0.2), (2, 0.6)):
            session.add(
                RiskScore(
                    enrollment_id=home.enrollment_of(student).id,
                    student_id=home.students[student].id,
                    offering_id=home.offering.id,
                    model_id=scored.model.id,
                    as_of=day_of(8),
                    probability=probability,
                    lower=probability,
                    upper=probability,
                    band=band_of(probability),
                    factors=[],
                    features={},
                )
            )
        await session.flush()
        for _ in range(2):
            await tell_advisors(session, RiskScored(home.offering.id, day_of(8)))
        rows = (await session.scalars(select(Notification))).all()
        assert [(row.person_id, row.title) for row in rows] == [
            (home.people["advisor"].id, "1 student of MATH101 2026A came to high or critical risk")
        ]
        assert rows[0].link == f"/offerings/{home.offering.id}/risk"

    async def test_who_was_high_before_has_not_risen(self, session: Session, two_schools: TwoSchools) -> None:
        await score_school(session, two_schools.home)
        await tell_advisors(session, RiskScored(two_schools.home.offering.id, day_of(WEEKS[-1])))
        assert (await session.scalars(select(Notification))).all() == []

    async def test_scores_of_the_past_tell_nobody(self, session: Session, two_schools: TwoSchools) -> None:
        await score_school(session, two_schools.home)
        await tell_advisors(session, RiskScored(two_schools.home.offering.id, day_of(WEEKS[0])))
        assert (await session.scalars(select(Notification))).all() == []
