"""Attendance: meetings are scheduled, marks are saved as a whole, and nobody's marks are lost."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from academe.academics.access import meeting_for
from academe.academics.attendance.queries import class_of
from academe.academics.attendance.service import Mark, create_meeting, record_attendance
from academe.academics.errors import (
    AttendanceChangedError,
    InvalidMarksError,
    MeetingExistsError,
    MeetingNotFoundError,
    OfferingNotFoundError,
)
from academe.academics.models import Attendance, Meeting
from academe.academics.types import AttendanceStatus, MeetingKind
from academe.platform.actor import ANONYMOUS, Actor, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Database, Session
from academe.platform.errors import AuthenticationRequiredError, InvalidInputError, PermissionDeniedError
from academe.platform.outbox.models import OutboxMessage
from tests.academics.conftest import ClientOf
from tests.schools import School, TwoSchools, build_two_schools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

PRESENT, ABSENT, TARDY, EXCUSED = (
    AttendanceStatus.PRESENT,
    AttendanceStatus.ABSENT,
    AttendanceStatus.TARDY,
    AttendanceStatus.EXCUSED,
)


class TestRecord:
    async def save(
        self, session: Session, school: School, actor: Actor, *marks: Mark, seen: int | None = None
    ) -> tuple[int, int]:
        async with as_actor(session, actor):
            saved = await record_attendance(
                session, actor=actor, meeting_id=school.meeting.id, marks=marks, seen_version=seen
            )
        return saved.marks, saved.changed

    async def test_nobody_is_asked_to_sign_in(self, session: Session, two_schools: TwoSchools) -> None:
        with pytest.raises(AuthenticationRequiredError):
            await self.save(session, two_schools.home, ANONYMOUS)

    async def test_strangers_find_no_such_meeting(self, session: Session, two_schools: TwoSchools) -> None:
        strangers = [two_schools.away.actor("lecturer"), *map(two_schools.home.actor, ("colleague", "student0"))]
        for stranger in strangers:
            with pytest.raises(MeetingNotFoundError):
                await self.save(session, two_schools.home, stranger)

    async def test_readers_may_not(self, session: Session, two_schools: TwoSchools) -> None:
        for who in ("advisor", "auditor"):
            with pytest.raises(PermissionDeniedError):
                await self.save(session, two_schools.home, two_schools.home.actor(who))

    @pytest.mark.parametrize("who", ["lecturer", "convenor", "registrar", "administrator"])
    async def test_only_what_differs_is_written(self, session: Session, two_schools: TwoSchools, who: str) -> None:
        home, actor = two_schools.home, two_schools.home.actor(who)
        first, second, third, fourth = (student.id for student in home.students[:4])
        marks = (
            Mark(first, PRESENT),
            Mark(second, ABSENT),
            Mark(third, TARDY, 10),
            Mark(fourth, EXCUSED, reason="ill"),
        )
        assert await self.save(session, home, actor, *marks) == (4, 2)  # as the school has it: 1 and 3 stand
        assert await self.save(session, home, actor, *marks) == (4, 0)
        rows = select(Attendance.student_id, Attendance.status, Attendance.recorded_by)
        saved = {
            row.student_id: row for row in await session.execute(rows.where(Attendance.meeting_id == home.meeting.id))
        }
        assert [saved[student].status for student in (first, second, third, fourth)] == [
            PRESENT,
            ABSENT,
            TARDY,
            EXCUSED,
        ]
        assert saved[second].recorded_by == actor.person_id
        assert saved[first].recorded_by is None
        async with as_actor(session, actor):
            await session.finish()
        entries = select(AuditEntry.summary).where(AuditEntry.action == "attendance.recorded")
        assert (await session.execute(entries)).scalars().all() == [
            "Attendance of 4 students saved, 2 marks new or different"
        ]
        facts = (await session.execute(select(OutboxMessage.payload))).scalars().all()
        assert [fact["changed"] for fact in facts] == [2]

    async def test_each_fault_names_its_mark(self, session: Session, two_schools: TwoSchools) -> None:
        home, lecturer = two_schools.home, two_schools.home.actor("lecturer")
        first, second, third = (student.id for student in home.students[:3])
        cases = [
            (Mark(second, TARDY), "marks.1.minutes_late"),
            (Mark(second, TARDY, 601), "marks.1.minutes_late"),
            (Mark(second, ABSENT, 5), "marks.1.minutes_late"),
            (Mark(first, ABSENT), "marks.1.student_id"),
            (Mark(second, EXCUSED, reason="x" * 501), "marks.1.reason"),
            (Mark(home.students[4].id, PRESENT), "marks.1.student_id"),
            (Mark(two_schools.away.students[0].id, PRESENT), "marks.1.student_id"),
        ]
        for bad, field in cases:
            with pytest.raises(InvalidMarksError) as raised:
                async with session.begin_nested():
                    await self.save(session, home, lecturer, Mark(first, ABSENT), bad, Mark(third, ABSENT))
            assert [error.field for error in raised.value.errors] == [field]
        absent = select(func.count()).where(Attendance.meeting_id == home.meeting.id, Attendance.status == ABSENT)
        assert (await session.execute(absent)).scalar_one() == 0

    async def test_marks_saved_meanwhile_are_not_overwritten(self, session: Session, two_schools: TwoSchools) -> None:
        home, lecturer = two_schools.home, two_schools.home.actor("lecturer")
        student = home.students[0].id
        await self.save(session, home, two_schools.home.actor("convenor"), Mark(student, ABSENT), seen=0)
        with pytest.raises(AttendanceChangedError):
            await self.save(session, home, lecturer, Mark(student, PRESENT), seen=0)
        assert await self.save(session, home, lecturer, Mark(student, ABSENT), seen=1) == (1, 0)
        assert await self.save(session, home, lecturer, Mark(student, PRESENT), seen=1) == (1, 1)

    async def test_over_json(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("lecturer"))
        address = f"/api/v1/meetings/{two_schools.home.meeting.id}/attendance"
        shown = (await client.get(address)).json()
        marks = [{"student_id": one["student_id"], "status": "absent"} for one in shown["students"]]
        saved = await client.put(address, json={"marks": marks, "version": shown["version"]})
        assert saved.json() == {"marks": 4, "changed": 4, "version": 1}
        stale = await client.put(address, json={"marks": marks, "version": shown["version"]})
        assert stale.status_code == 409
        marks[2]["status"] = "tardy"
        faulty = await client.put(address, json={"marks": marks})
        assert faulty.status_code == 422
        assert faulty.json()["errors"][0]["field"] == "marks.2.minutes_late"


async def test_a_commit_between_looking_and_saving_is_noticed(own_database: Database) -> None:
    """The page loads the meeting before it locks it; what was committed in between counts."""
    async with own_database.transaction(system_actor("build")) as session:
        home = (await build_two_schools(session)).home
    lecturer, convenor = home.actor("lecturer"), home.actor("convenor")
    student, meeting_id = home.students[0].id, home.meeting.id
    async with own_database.transaction(lecturer) as slow:
        meeting, _ = await meeting_for(slow, actor=lecturer, meeting_id=meeting_id)
        assert meeting.attendance_version == 0
        async with own_database.transaction(convenor) as quick:
            marks = [Mark(student, ABSENT)]
            await record_attendance(quick, actor=convenor, meeting_id=meeting_id, marks=marks, seen_version=0)
        with pytest.raises(AttendanceChangedError):
            await record_attendance(slow, actor=lecturer, meeting_id=meeting_id, marks=marks, seen_version=0)


class TestClass:
    async def test_whoever_left_keeps_the_mark_and_leaves_the_list_otherwise(
        self, session: Session, two_schools: TwoSchools
    ) -> None:
        members = await class_of(session, two_schools.home.meeting)
        assert [(member.number, member.status) for member in members] == [
            ("10000", PRESENT),
            ("10001", PRESENT),
            ("10002", TARDY),
            ("10003", PRESENT),
        ]


class TestMeeting:
    STARTS = datetime(2026, 10, 13, 8, tzinfo=UTC)

    async def create(self, session: Session, school: School, actor: Actor, **more: object) -> Meeting:
        values: dict[str, object] = {
            "kind": MeetingKind.LECTURE,
            "title": "Lecture 2",
            "starts_at": self.STARTS,
            "ends_at": self.STARTS + timedelta(hours=2),
        }
        async with as_actor(session, actor):
            return await create_meeting(
                session,
                actor=actor,
                offering_id=school.offering.id,
                **values | more,  # type: ignore[arg-type]
            )

    async def test_strangers_find_no_such_offering(self, session: Session, two_schools: TwoSchools) -> None:
        with pytest.raises(OfferingNotFoundError):
            await self.create(session, two_schools.home, two_schools.away.actor("lecturer"))

    async def test_advisors_may_not(self, session: Session, two_schools: TwoSchools) -> None:
        with pytest.raises(PermissionDeniedError):
            await self.create(session, two_schools.home, two_schools.home.actor("advisor"))

    async def test_lecturers_schedule_each_meeting_once(self, session: Session, two_schools: TwoSchools) -> None:
        lecturer = two_schools.home.actor("lecturer")
        meeting = await self.create(session, two_schools.home, lecturer, room=" Aula ")
        assert meeting.room == "Aula"
        with pytest.raises(MeetingExistsError):
            await self.create(session, two_schools.home, lecturer)

    @pytest.mark.parametrize(
        ("more", "field"),
        [
            ({"title": " "}, "title"),
            ({"ends_at": STARTS}, "ends_at"),
            ({"ends_at": STARTS + timedelta(hours=25)}, "ends_at"),
            (
                {"starts_at": STARTS - timedelta(days=90), "ends_at": STARTS - timedelta(days=90, hours=-1)},
                "starts_at",
            ),
        ],
    )
    async def test_what_it_refuses(
        self, session: Session, two_schools: TwoSchools, more: dict[str, object], field: str
    ) -> None:
        with pytest.raises(InvalidInputError) as raised:
            await self.create(session, two_schools.home, two_schools.home.actor("lecturer"), **more)
        assert [error.field for error in raised.value.errors] == [field]
