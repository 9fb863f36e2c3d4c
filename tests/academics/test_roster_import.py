"""Importing a roster: reading files, planning, applying as a job, and the pages that lead through it."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from academe.academics.errors import UploadNotFoundError
from academe.academics.models import Enrollment, EnrollmentStatusChange
from academe.academics.roster_import.files import MOST_LINES, read_roster
from academe.academics.roster_import.models import RosterUpload
from academe.academics.roster_import.plan import Change
from academe.academics.roster_import.service import apply_import, preview_import, stage_roster_file
from academe.academics.roster_import.tasks import request_import
from academe.academics.types import EnrollmentStatus
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from academe.platform.jobs.models import Job
from academe.platform.outbox.models import OutboxMessage
from academe.platform.spreadsheet import lines as csv_lines
from tests.academics.conftest import ClientOf
from tests.schools import TwoSchools
from tests.support.transactions import as_actor

GOOD = b"""student_number,status,effective_on,reason
10000,enrolled,,
10001,withdrawn,2026-11-02,moved away
10004,,,
"""


def faults(content: bytes) -> list[tuple[int | None, str]]:
    return [(error.line, error.field) for error in read_roster(content).errors]


class TestReading:
    def test_the_columns_come_in_any_order_and_dress(self) -> None:
        plain = read_roster(GOOD).lines
        assert [(line.line, line.number, line.wanted) for line in plain] == [
            (2, "10000", "enrolled"),
            (3, "10001", "withdrawn"),
            (4, "10004", "enrolled"),
        ]
        dressed = (
            "\ufeffReason;Student Number;STATUS;From\r\n;10000;Enrolled;\r\nmoved away;10001;withdrawn;2026-11-02\r\n"
        )
        assert read_roster((dressed + ";10004;;\r\n").encode()).lines == plain
        assert read_roster(GOOD.replace(b",", b"\t")).lines == plain

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"", (None, "file")),
            (b"\n\n", (None, "file")),
            (b"student_number\n", (None, "file")),
            (b"name,grade\n1,2\n", (1, "heading")),
            (b"status\nenrolled\n", (1, "heading")),
            (b"number,student_number\n1,1\n", (1, "heading")),
            (b"number\n1\n1\n", (3, "student_number")),
            (b"number,status\n1,asleep\n", (2, "status")),
            (b"number,status\n1,withdrawn\n", (2, "reason")),
            (b"number,date\n1,02/11/2026\n", (2, "effective_on")),
            (b"number,reason\n1,a,b\n", (2, "line")),
            (b'number,reason\n1,"open\n2,\n', (2, "file")),
            (b"number\n1\n\xff\n", (3, "file")),
            ("number\n1\n".encode("utf-16"), (None, "file")),
            (b"PK\x03\x04\x14\x00", (None, "file")),
            (b"number\n\x00\n", (None, "file")),
        ],
    )
    def test_every_fault_names_its_line(self, content: bytes, expected: tuple[int | None, str]) -> None:
        assert faults(content) == [expected]

    def test_lines_are_counted_through_quoted_line_breaks(self) -> None:
        assert faults(b'number,status,reason\n1,withdrawn,"two\nlines"\n2,gone,\n') == [(4, "status")]

    def test_too_many_lines_are_refused(self) -> None:
        content = "number\n" + "".join(f"{number}\n" for number in range(MOST_LINES + 1))
        assert faults(content.encode()) == [(MOST_LINES + 2, "file")]

    @given(st.binary(max_size=400))
    def test_no_bytes_break_it(self, content: bytes) -> None:
        read = read_roster(content)
        assert read.lines or read.errors

    @given(
        st.lists(
            st.tuples(
                st.text(string.ascii_letters + string.digits + "-/é", min_size=1, max_size=12),
                st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=40),
            ),
            min_size=1,
            max_size=30,
            unique_by=lambda row: row[0],
        ),
        st.sampled_from([",", ";", "\t"]),
    )
    def test_what_is_written_is_read(self, rows: list[tuple[str, str]], delimiter: str) -> None:
        rows = [(number.lstrip("-") or "7", reason) for number, reason in rows]
        rows = list(dict(rows).items())

        def quoted(cell: str) -> str:
            return '"' + cell.replace('"', '""') + '"'

        written = f"student_number{delimiter}reason\n" + "".join(
            f"{quoted(number)}{delimiter}{quoted(reason)}\n" for number, reason in rows
        )
        read = read_roster(written.encode())
        assert not read.errors
        assert [(line.number, line.reason) for line in read.lines] == [
            (number, reason.strip()) for number, reason in rows
        ]


class TestExport:
    def test_no_cell_is_a_formula(self) -> None:
        written = csv_lines([["=1+1", "+1", "-1", "@x", "\tx", None, "plain"]])
        assert written.strip().split(",") == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "", "plain"]


@pytest.mark.anyio
class TestImporting:
    async def bring(self, session: Session, schools: TwoSchools, who: Actor, content: bytes = GOOD) -> RosterUpload:
        return await stage_roster_file(
            session, actor=who, offering_id=schools.home.offering.id, file_name="class.csv", content=content
        )

    async def test_strangers_find_nothing_and_lecturers_may_not(
        self, session: Session, two_schools: TwoSchools
    ) -> None:
        for who in (two_schools.away.actor("registrar"), two_schools.home.actor("colleague")):
            async with as_actor(session, who):
                with pytest.raises(NotFoundError):
                    await self.bring(session, two_schools, who)
        lecturer = two_schools.home.actor("lecturer")
        async with as_actor(session, lecturer):
            with pytest.raises(PermissionDeniedError):
                await self.bring(session, two_schools, lecturer)

    async def test_a_file_is_its_owners_alone(self, session: Session, two_schools: TwoSchools) -> None:
        convenor, registrar = two_schools.home.actor("convenor"), two_schools.home.actor("registrar")
        async with as_actor(session, convenor):
            upload = await self.bring(session, two_schools, convenor)
        async with as_actor(session, registrar):
            with pytest.raises(UploadNotFoundError):
                await preview_import(
                    session, actor=registrar, offering_id=two_schools.home.offering.id, upload_id=upload.id
                )

    async def test_the_preview_says_what_would_change(self, session: Session, two_schools: TwoSchools) -> None:
        convenor = two_schools.home.actor("convenor")
        async with as_actor(session, convenor):
            upload = await self.bring(session, two_schools, convenor)
            _, _, plan = await preview_import(
                session, actor=convenor, offering_id=two_schools.home.offering.id, upload_id=upload.id
            )
        assert plan.counts == {Change.ENROL: 1, Change.READMIT: 0, Change.WITHDRAW: 1, Change.NONE: 1}
        assert plan.can_be_applied

    async def test_it_applies_once_and_leaves_history_audit_and_facts(
        self, session: Session, two_schools: TwoSchools
    ) -> None:
        convenor, offering = two_schools.home.actor("convenor"), two_schools.home.offering
        told: list[tuple[int, int]] = []

        async def progress(done: int, total: int) -> None:
            told.append((done, total))

        async with as_actor(session, convenor):
            upload = await self.bring(session, two_schools, convenor)
            await request_import(session, actor=convenor, offering_id=offering.id, upload_id=upload.id)
            again = await request_import(session, actor=convenor, offering_id=offering.id, upload_id=upload.id)
            assert again.job_id == upload.job_id
            first = await apply_import(
                session, actor=convenor, offering_id=offering.id, upload_id=upload.id, progress=progress
            )
            second = await apply_import(
                session, actor=convenor, offering_id=offering.id, upload_id=upload.id, progress=progress
            )
            assert first == second == {"enrol": 1, "readmit": 0, "withdraw": 1, "none": 1}
            assert told == [(2, 2)]
        rows = await session.execute(
            select(Enrollment.student_id, Enrollment.status).where(Enrollment.offering_id == offering.id)
        )
        statuses = {row.student_id: row.status for row in rows}
        students = two_schools.home.students
        assert statuses[students[4].id] is EnrollmentStatus.ENROLLED
        assert statuses[students[1].id] is EnrollmentStatus.WITHDRAWN
        steps = select(func.count()).where(EnrollmentStatusChange.recorded_by == convenor.person_id)
        assert (await session.execute(steps)).scalar_one() == 2
        kinds = (await session.execute(select(OutboxMessage.kind).order_by(OutboxMessage.kind))).scalars().all()
        assert kinds == [
            "academics.enrollment_created",
            "academics.enrollment_withdrawn",
            "academics.roster_imported",
        ]
        assert (await session.execute(select(func.count()).select_from(Job))).scalar_one() == 1

    async def test_one_bad_line_and_nothing_happens(self, session: Session, two_schools: TwoSchools) -> None:
        convenor, offering = two_schools.home.actor("convenor"), two_schools.home.offering
        async with as_actor(session, convenor):
            upload = await self.bring(session, two_schools, convenor, GOOD + b"99999,,,\n")
            with pytest.raises(InvalidInputError) as raised:
                await request_import(session, actor=convenor, offering_id=offering.id, upload_id=upload.id)
        assert [(error.line, error.field) for error in raised.value.errors] == [(5, "student_number")]

    async def test_a_file_that_changes_nothing_is_said_to(self, session: Session, two_schools: TwoSchools) -> None:
        convenor, offering = two_schools.home.actor("convenor"), two_schools.home.offering
        async with as_actor(session, convenor):
            upload = await self.bring(session, two_schools, convenor, b"number\n10000\n")
            with pytest.raises(ConflictError):
                await request_import(session, actor=convenor, offering_id=offering.id, upload_id=upload.id)

    async def test_the_places_are_counted(self, session: Session, two_schools: TwoSchools) -> None:
        convenor, offering = two_schools.home.actor("convenor"), two_schools.home.offering
        offering.capacity = 4
        await session.flush()
        async with as_actor(session, convenor):
            fits = await self.bring(session, two_schools, convenor)  # one in, one out
            _, _, plan = await preview_import(session, actor=convenor, offering_id=offering.id, upload_id=fits.id)
            assert plan.can_be_applied
            full = await self.bring(session, two_schools, convenor, b"number\n10004\n")
            _, _, plan = await preview_import(session, actor=convenor, offering_id=offering.id, upload_id=full.id)
        assert [error.field for error in plan.errors] == ["file"]


@pytest.mark.anyio
class TestPages:
    async def test_through_the_pages(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("convenor"), browser=True)
        start = f"/offerings/{two_schools.home.offering.id}/roster/import"
        assert (await client.get(start)).status_code == 200
        assert (await client.post(start, files={})).status_code == 422
        brought = await client.post(start, files={"file": ("class.csv", GOOD + b"99999,,,\n")})
        assert brought.status_code == 303
        preview = await client.get(brought.headers["location"])
        assert "There is no student with the number 99999." in preview.text
        refused = await client.post(brought.headers["location"])
        assert refused.status_code == 422
        brought = await client.post(start, files={"file": ("class.csv", GOOD)})
        preview = await client.get(brought.headers["location"])
        assert "Change 2 students" in preview.text
        confirmed = await client.post(brought.headers["location"])
        assert confirmed.status_code == 303
        progress = await client.get(confirmed.headers["location"])
        assert "Waiting for its turn" in progress.text

    async def test_over_json(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("registrar"))
        start = f"/api/v1/offerings/{two_schools.home.offering.id}/roster/import"
        brought = await client.post(start, content=GOOD, headers={"Content-Type": "text/csv"})
        assert brought.status_code == 201, brought.text
        assert brought.json()["counts"] == {"enrol": 1, "readmit": 0, "withdraw": 1, "none": 1}
        confirmed = await client.post(f"{start}/{brought.json()['upload_id']}")
        assert confirmed.status_code == 202, confirmed.text
