"""Pages of the directory among thousands: whatever way the search takes, they are what reading everybody gives."""

from uuid import UUID

import pytest
from sqlalchemy import text

from academe.identity.models import Person
from academe.identity.people.pages import find
from academe.identity.people.queries import BY_NAME, DirectoryFilter, page_of_people, people
from academe.identity.types import PersonStatus, Role
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.http.pagination import CursorSigner, PageRequest
from tests.schools import School, TwoSchools, build_two_schools
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.anyio

SIGNER = CursorSigner(b"test")

# More than the beginning of the list that is tried first, and more of one role than are looked up as its holders.
# Every name with Z stands behind that beginning; every fourth person is also called Zoë, at the end of the name.
MANY = text("""
    WITH person AS (
        INSERT INTO person (id, institution_id, display_name, given_name, family_name, status)
        SELECT gen_random_uuid(), :institution, given || ' ' || family, given, family,
               CASE WHEN n % 9 = 0 THEN 'deactivated' ELSE 'active' END
        FROM (
            SELECT n, chr(65 + n % 23) || 'ulia' || n AS given,
                   CASE n % 4 WHEN 0 THEN 'Zoë' WHEN 1 THEN 'Müller-' || n ELSE 'Li' END AS family
            FROM generate_series(1, 6500) n
            UNION ALL SELECT -n, 'Zeno' || n, 'Quist' FROM generate_series(1, 60) n
        ) names
        RETURNING id, display_name
    ), numbered AS (SELECT id, row_number() OVER (ORDER BY display_name) AS n FROM person), grants AS (
        INSERT INTO role_grant (id, person_id, org_unit_id, role, starts_on, ends_on)
        SELECT gen_random_uuid(), id, CASE WHEN n % 2 = 0 THEN CAST(:node AS uuid) ELSE :institution END,
               CASE WHEN n % 50 = 0 THEN 'lecturer' ELSE 'student' END, DATE '2020-01-01',
               CASE WHEN n % 70 = 0 THEN DATE '2021-01-01' END
        FROM numbered
    )
    INSERT INTO student_record (id, institution_id, person_id, program_id, number)
    SELECT gen_random_uuid(), :institution, id, CASE WHEN n % 3 = 0 THEN CAST(:program AS uuid) END, 'many' || n
    FROM numbered
""")


@pytest.fixture
async def schools(server: ServerOfTests, own_database: Database) -> TwoSchools:
    """Two schools, each with thousands of people more, in tables whose statistics know of them.

    Without statistics the plan is luck: tables filled by a transaction that is still open look empty to it, and
    reading the whole list then took half a minute where it takes a hundredth of a second.
    """
    async with own_database.transaction(system_actor("test")) as session:
        schools = await build_two_schools(session)
        for school in (schools.home, schools.away):
            values = {"institution": school.institution.id, "node": school.faculty.id, "program": school.program.id}
            await session.execute(MANY, values)
    with server.superuser(own_database.engine.url.database or "") as connection:
        connection.execute("ANALYZE")
        connection.commit()
    return schools


def searches(school: School) -> list[DirectoryFilter]:
    """Words that fit many, few and nobody, early and late in the list, with every filter."""
    node, program = school.department.id, school.program.id
    filters = [
        DirectoryFilter(search, role, unit, status, chosen)
        for search in ("", "z", "zoe", "muller", "li a", "zeno", "nobody")
        for role, unit, status, chosen in (
            (None, None, None, None),
            (Role.STUDENT, None, None, None),
            (Role.LECTURER, None, None, None),
            (None, school.faculty.id, None, None),
            (Role.ADVISOR, node, None, None),
            (None, None, PersonStatus.DEACTIVATED, None),
            (None, None, None, program),
            (Role.LECTURER, school.faculty.id, PersonStatus.ACTIVE, program),
        )
    ]
    return [*filters, DirectoryFilter("50%_"), DirectoryFilter("o'"), DirectoryFilter("zoe", program_id=school.unit.id)]


@pytest.mark.parametrize("who", ["administrator", "advisor", "faculty_administrator"])
async def test_pages_are_those_of_the_whole_list(own_database: Database, schools: TwoSchools, who: str) -> None:
    home, actor = schools.home, schools.home.actor(who)
    found = 0
    async with own_database.transaction(actor) as session:
        for wanted in searches(home):
            everybody = people(actor, wanted).with_only_columns(Person.id).order_by(*(key.column for key in BY_NAME))
            expected = list(await session.scalars(everybody))
            found += len(expected)
            paging = PageRequest(SIGNER, 30)
            first = await page_of_people(session, actor, wanted, paging)
            assert [each.id for each in first.items] == expected[:30], wanted
            if first.next_cursor is None:
                assert len(expected) <= 30, wanted
                continue
            second = await page_of_people(session, actor, wanted, PageRequest(SIGNER, 30, first.next_cursor))
            assert [each.id for each in second.items] == expected[30:60], wanted
            back = await page_of_people(session, actor, wanted, PageRequest(SIGNER, 30, second.previous_cursor))
            assert [each.id for each in back.items] == expected[:30], wanted
    assert found > 10_000


async def test_every_page_to_the_end_and_back(own_database: Database, schools: TwoSchools) -> None:
    actor = schools.home.actor("registrar")
    wanted = DirectoryFilter("zoe", Role.LECTURER)
    async with own_database.transaction(actor) as session:
        everybody = people(actor, wanted).with_only_columns(Person.id).order_by(*(key.column for key in BY_NAME))
        expected = list(await session.scalars(everybody))
        forward: list[UUID] = []
        cursor: str | None = None
        while True:
            page = await page_of_people(session, actor, wanted, PageRequest(SIGNER, 7, cursor))
            forward += [each.id for each in page.items]
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
        backward = [each.id for each in reversed(page.items)]
        while page.previous_cursor is not None:
            page = await page_of_people(session, actor, wanted, PageRequest(SIGNER, 7, page.previous_cursor))
            backward += [each.id for each in reversed(page.items)]
    assert len(expected) > 14
    assert forward == expected
    assert backward == expected[::-1]


async def test_students_find_nobody_by_the_function(own_database: Database, schools: TwoSchools) -> None:
    home = schools.home
    call = text(
        "SELECT count(*) FROM find_people('{\"% %\"}', NULL, NULL, NULL, NULL, current_date, NULL, NULL, false, 50)"
    )
    for who, expected in (("student0", 0), ("registrar", 50)):
        async with own_database.transaction(home.actor(who)) as session:
            assert await session.scalar(call) == expected


async def test_names_like_a_mistyped_one(own_database: Database, schools: TwoSchools) -> None:
    actor = schools.home.actor("registrar")
    async with own_database.transaction(actor) as session:
        page, similar = await find(session, actor, DirectoryFilter("zeno12 quixt"), PageRequest(SIGNER))
    assert not page.items
    assert "Zeno12 Quist" in [each.name for each in similar]
