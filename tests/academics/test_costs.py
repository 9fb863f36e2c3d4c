"""What pages and lists cost in statements, however many rows they show."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from academe.academics.models import Enrollment, StudentRecord
from academe.academics.types import EnrollmentStatus
from academe.identity.models import Person
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from tests.academics.conftest import ClientOf
from tests.schools import STARTS_ON, TwoSchools

pytestmark = pytest.mark.anyio

# Who acts is said once a transaction, and the tests' own database says it again around each.
NOT_COUNTED = ("set_config", "current_setting", "SAVEPOINT")


@contextmanager
def counted_statements(patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that are sent inside the block, by whichever layer."""
    sent: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def noting(self: psycopg.AsyncCursor[Any], query: Any, *arguments: Any, **more: Any) -> Any:
        if not any(word in str(query) for word in NOT_COUNTED):
            sent.append(str(query))
        return await execute(self, query, *arguments, **more)

    with patch.context() as patched:
        patched.setattr(psycopg.AsyncCursor, "execute", noting)
        yield sent


async def enrol_more(session: Session, schools: TwoSchools, count: int) -> None:
    people = [
        Person(id=new_id(), institution_id=schools.home.institution.id, display_name=f"Student {number}")
        for number in range(30_000, 30_000 + count)
    ]
    session.add_all(people)
    await session.flush()
    students = [
        StudentRecord(
            id=new_id(),
            institution_id=schools.home.institution.id,
            person_id=person.id,
            number=person.display_name.removeprefix("Student "),
        )
        for person in people
    ]
    session.add_all(students)
    await session.flush()
    session.add_all(
        Enrollment(
            offering_id=schools.home.offering.id,
            student_id=student.id,
            status=EnrollmentStatus.ENROLLED,
            enrolled_on=STARTS_ON,
        )
        for student in students
    )
    await session.flush()


COSTS = {
    "/offerings": 2,  # the list, the terms
    "/offerings/{offering}": 4,  # the offering, counts, staff, next meeting
    "/offerings/{offering}/roster": 2,  # the offering with its counts, the page
    "/offerings/{offering}/roster?q=Student&sort=-name&status=enrolled": 2,
    "/offerings/{offering}/meetings": 2,  # the offering, the list
    "/meetings/{meeting}/attendance": 2,  # the meeting, the class
    "/api/v1/offerings": 1,
    "/api/v1/offerings/{offering}/roster": 1,  # where the offering is, the page
    "/api/v1/offerings/{offering}/meetings": 2,
}


@pytest.mark.parametrize("address", COSTS)
async def test_the_cost_does_not_grow_with_the_rows(
    session: Session,
    two_schools: TwoSchools,
    client_of: ClientOf,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
) -> None:
    client = client_of(two_schools.home.actor("lecturer"), browser=True)
    place = address.format(offering=two_schools.home.offering.id, meeting=two_schools.home.meeting.id)
    for students in (0, 60):
        await enrol_more(session, two_schools, students)
        with counted_statements(monkeypatch) as sent:
            answer = await client.get(place)
        assert answer.status_code == 200
        assert len(sent) == COSTS[address], "\n".join(sent)


async def test_a_class_is_saved_with_one_statement_for_its_marks(
    session: Session, two_schools: TwoSchools, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enrol_more(session, two_schools, 300)
    client = client_of(two_schools.home.actor("lecturer"))
    address = f"/api/v1/meetings/{two_schools.home.meeting.id}/attendance"
    students = (await client.get(address)).json()["students"]
    marks = [{"student_id": student["student_id"], "status": "absent"} for student in students]
    with counted_statements(monkeypatch) as sent:
        answer = await client.put(address, json={"marks": marks})
    assert answer.json()["changed"] == 304
    # The meeting, the marks, the fact with its delivery, the audit entry.
    assert len(sent) == 4, "\n".join(sent)
