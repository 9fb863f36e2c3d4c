"""Queries of people: who keeps them, whom they find, and announcements to whom they find."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from academe.academics.api import Mark, record_attendance
from academe.academics.audiences import SOURCES
from academe.academics.errors import PeopleQueryPartNotFoundError
from academe.academics.models import StudentRecord
from academe.academics.people_queries.queries import found_by
from academe.academics.people_queries.service import QueryWanted, keep_query, remove_query
from academe.academics.types import AttendanceStatus
from academe.messaging.announcements.audiences import audiences_for
from academe.messaging.announcements.service import plan_announcement, send_announcement
from academe.messaging.api import register_audience
from academe.messaging.notifications.models import Notification
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import InvalidInputError
from tests.academics.conftest import ClientOf
from tests.schools import School, TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

LIST, JSON = "/people-queries", "/api/v1/people-queries"
SYSTEM = system_actor("test")


@pytest.fixture
def home(two_schools: TwoSchools) -> School:
    return two_schools.home


@pytest.fixture
def away(two_schools: TwoSchools) -> School:
    return two_schools.away


@pytest.fixture(autouse=True)
def known_audiences() -> None:
    """What the composition roots register."""
    for source in SOURCES:
        register_audience(source)


async def kept(session: Session, home: School, who: str = "registrar", **wanted: Any) -> UUID:
    actor = home.actor(who)
    given: dict[str, Any] = {"name": "Ours", "org_unit_id": home.offering.org_unit_id} | wanted
    async with as_actor(session, actor):
        return (await keep_query(session, actor=actor, wanted=QueryWanted(**given))).id


async def found(session: Session, query_id: UUID) -> set[UUID]:
    async with as_actor(session, SYSTEM):
        return set((await session.scalars(found_by(query_id))).all())


def people(school: School, *who: str) -> set[UUID]:
    return {school.people[each].id for each in who}


async def cohort_of(session: Session, school: School, place: int, cohort: str) -> None:
    async with as_actor(session, SYSTEM):
        (await session.get_one(StudentRecord, school.students[place].id)).cohort = cohort
        await session.flush()


class TestFound:
    async def test_who_takes_part_at_the_node_or_below(self, session: Session, home: School) -> None:
        here = people(home, *(f"student{place}" for place in range(4)))
        assert await found(session, await kept(session, home)) == here
        whole = await kept(session, home, org_unit_id=home.institution.id)
        assert await found(session, whole) == people(home, *(f"student{place}" for place in range(6)))
        # Who leaves is not found any more.
        async with as_actor(session, SYSTEM):
            await session.execute(
                text("UPDATE enrollment SET status = 'withdrawn', withdrawn_on = '2026-03-01' WHERE id = :id"),
                {"id": home.enrollment_of(0).id},
            )
        assert await found(session, whole) == people(home, *(f"student{place}" for place in range(1, 6)))

    async def test_each_condition_narrows(self, session: Session, home: School) -> None:
        await cohort_of(session, home, 1, "2027")
        await cohort_of(session, home, 2, "2027")
        lecturer = home.actor("lecturer")
        statuses = [
            AttendanceStatus.PRESENT,
            AttendanceStatus.PRESENT,
            AttendanceStatus.ABSENT,
            AttendanceStatus.ABSENT,
        ]
        marks = [Mark(home.students[place].id, status) for place, status in enumerate(statuses)]
        async with as_actor(session, lecturer):
            await record_attendance(session, actor=lecturer, meeting_id=home.meeting.id, marks=marks)
        narrowed: tuple[tuple[dict[str, Any], tuple[str, ...]], ...] = (
            ({"cohort": "2027"}, ("student1", "student2")),
            ({"cohort": "1999"}, ()),
            ({"absences": 1}, ("student2", "student3")),
            ({"absences": 2}, ()),
            ({"absences": 1, "cohort": " 2027 "}, ("student2",)),
            ({"term_id": home.term.id, "absences": 1}, ("student2", "student3")),
        )
        for wanted, who in narrowed:
            assert await found(session, await kept(session, home, **wanted)) == people(home, *who), wanted
        async with as_actor(session, SYSTEM):
            (await session.get_one(StudentRecord, home.students[3].id)).program_id = home.program.id
            for place in (0, 1, 2):
                (await session.get_one(StudentRecord, home.students[place].id)).program_id = None
            await session.flush()
        assert await found(session, await kept(session, home, program_id=home.program.id)) == people(home, "student3")

    async def test_what_is_wrong_is_named(self, session: Session, home: School, away: School) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await kept(session, home, name=" ", absences=0, cohort="x" * 101)
        assert {each.field for each in refused.value.errors} == {"name", "absences", "cohort"}
        with pytest.raises(PeopleQueryPartNotFoundError) as missed:
            await kept(session, home, program_id=away.program.id, term_id=away.term.id)
        assert {each.field for each in missed.value.errors} == {"program_id", "term_id"}
        with pytest.raises(PeopleQueryPartNotFoundError) as missed:
            await kept(session, home, "faculty_administrator", org_unit_id=home.institution.id)
        assert [each.field for each in missed.value.errors] == ["org_unit_id"]


class TestAnnouncements:
    async def test_whom_a_query_finds_is_told(self, session: Session, home: School) -> None:
        await cohort_of(session, home, 1, "2027")
        query = await kept(session, home, cohort="2027")
        registrar = home.actor("registrar")
        async with as_actor(session, registrar):
            planned = await plan_announcement(
                session, actor=registrar, audience_kind="query", audience_id=query, title="Welcome", body="To 2026."
            )
            await remove_query(session, actor=registrar, query_id=query)
            assert all(source.kind != "query" for source, _ in await audiences_for(session, registrar))
        # It is asked when the announcement is sent, not when it was planned.
        await cohort_of(session, home, 2, "2027")
        async with as_actor(session, SYSTEM):
            assert await send_announcement(session, announcement_id=planned.id) == 2
            told = set((await session.scalars(select(Notification.person_id))).all())
        assert told == people(home, "student1", "student2")


class TestHttp:
    async def test_nobody_and_who_keeps_no_records(self, client_of: ClientOf, session: Session, home: School) -> None:
        query = await kept(session, home)
        for address in (LIST, f"{LIST}/new", f"{LIST}/{query}"):
            assert (await client_of(browser=True).get(address)).status_code == 303
        assert (await client_of().get(JSON)).status_code == 401
        for who in ("student0", "lecturer", "advisor", "auditor"):
            client = client_of(home.actor(who), browser=True)
            for address in (LIST, f"{LIST}/new", f"{LIST}/{query}"):
                assert (await client.get(address)).status_code == 403, (who, address)
            assert (await client.post(f"{LIST}/{query}/remove")).status_code == 403
            assert (await client_of(home.actor(who)).get(f"{JSON}/{query}")).status_code == 403

    async def test_others_do_not_know_of_it(
        self, client_of: ClientOf, session: Session, home: School, away: School
    ) -> None:
        query = await kept(session, home, org_unit_id=home.institution.id)
        for actor in (away.actor("registrar"), home.actor("faculty_administrator")):
            assert (await client_of(actor).get(JSON)).json()["items"] == []
            assert (await client_of(actor).get(f"{JSON}/{query}")).status_code == 404
            assert (await client_of(actor).delete(f"{JSON}/{query}")).status_code == 404
            async with as_actor(session, actor):
                assert (await session.execute(text("SELECT FROM people_query"))).all() == []

    async def test_by_form(self, client_of: ClientOf, session: Session, home: School) -> None:
        client = client_of(home.actor("registrar"), browser=True)
        assert "No queries yet" in (await client.get(LIST)).text
        form = {"name": "Absent", "org_unit_id": str(home.offering.org_unit_id), "absences": "0"}
        assert (await client.post(f"{LIST}/new", data=form)).status_code == 422
        done = await client.post(f"{LIST}/new", data=form | {"absences": "", "term_id": str(home.term.id)})
        assert done.status_code == 303, done.text
        page = (await client.get(done.headers["location"])).text
        assert "Students in Department of Mathematics, in 2026A." in page
        query = done.headers["location"].rpartition("/")[2]
        written = (await client.get(f"/announcements/new?audience=query:{query}")).text
        assert f'value="query:{query}" selected' in written
        assert (await client.post(f"{LIST}/{query}/remove")).status_code == 303
        actions = (
            await session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("people_query%")))
        ).all()
        assert list(actions) == ["people_query.kept", "people_query.removed"]

    async def test_json(self, client_of: ClientOf, home: School) -> None:
        client = client_of(home.actor("registrar"))
        body = {"name": "All", "org_unit_id": str(home.institution.id)}
        made = (await client.post(JSON, json=body)).json()
        assert (made["found"], made["node"]) == (6, home.institution.name)
        assert (await client.get(f"{JSON}/{made['id']}")).json() == made
        assert [each["name"] for each in (await client.get(JSON)).json()["items"]] == ["All"]
        assert (await client.post(JSON, json=body | {"cohort": "x" * 101})).status_code == 422
        assert (await client.delete(f"{JSON}/{made['id']}")).status_code == 204
