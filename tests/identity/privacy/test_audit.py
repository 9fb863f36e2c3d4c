"""The audit: search, one entry, export that can be checked elsewhere, and the check of the chain."""

import csv
import hashlib
import io
import itertools
import json

import httpx
import pytest
from sqlalchemy import select

from academe.identity.privacy.audit.queries import last_check
from academe.identity.privacy.audit.tasks import CheckArguments, check_chain
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, Session
from academe.platform.errors import PermissionDeniedError
from academe.platform.ids import new_id
from academe.platform.jobs.kinds import JobContext
from academe.platform.jobs.models import Job
from tests.identity.conftest import SignIn
from tests.schools import School, build_two_schools
from tests.support.databases import ServerOfTests
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
API = "/api/v1/audit"


@pytest.fixture
async def entries(session: Session, home: School, away: School) -> None:
    """What a registrar of each school did to a student of it, and something of Academe itself."""
    for school in (home, away):
        for who in ("student0", "student1"):
            person = school.people[who]
            subject = Subject("person", person.id, school.institution.id, person.id)
            actor = school.actor("registrar")
            async with as_actor(session, actor):
                record(
                    session,
                    actor=actor,
                    action="person.tested",
                    subject=subject,
                    summary=f"Tested {who} of {school.name}",
                    changes={"status": ["active", "tested"]},
                )
                await session.finish()


async def summaries(client: httpx.AsyncClient, **query: str) -> list[str]:
    answer = await client.get(API, params=query, headers=JSON)
    assert answer.status_code == 200, answer.text
    return [item["summary"] for item in answer.json()["items"]]


@pytest.mark.usefixtures("entries")
class TestSearch:
    async def test_anonymous_signs_in_first(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.get("/audit")).headers["location"].startswith("/sign-in")
        assert (await browser.get(API, headers=JSON)).status_code == 401

    @pytest.mark.parametrize("who", ["student0", "lecturer", "registrar", "faculty_administrator"])
    async def test_others_may_not(self, home: School, sign_in_as: SignIn, who: str) -> None:
        client = await sign_in_as(home, who)
        assert (await client.get("/audit")).status_code == 403
        assert (await client.get(API, headers=JSON)).status_code == 403
        assert (await client.get("/audit/export/csv")).status_code == 403
        assert (await client.post("/audit/checks")).status_code == 403

    @pytest.mark.parametrize("who", ["auditor", "administrator"])
    async def test_of_one_institution_alone(self, home: School, sign_in_as: SignIn, who: str) -> None:
        client = await sign_in_as(home, who)
        found = await summaries(client, limit="200")
        assert "Tested student0 of home" in found
        assert not any("away" in each for each in found)
        page = (await client.get("/audit")).text
        assert "Tested student1 of home" in page
        assert "away" not in page

    async def test_filters(self, home: School, sign_in_as: SignIn) -> None:
        auditor = await sign_in_as(home, "auditor")
        both = ["Tested student1 of home", "Tested student0 of home"]
        student = home.people["student0"]
        assert await summaries(auditor, who="registrar home") == both
        assert await summaries(auditor, who=str(home.people["registrar"].id)) == both
        assert await summaries(auditor, whom=str(student.id)) == both[1:]
        assert await summaries(auditor, whom=student.display_name, kind="write", action="person") == both[1:]
        assert await summaries(auditor, action="person.tested") == both
        assert await summaries(auditor, action="person.test") == []
        assert await summaries(auditor, action="person.tested", kind="read") == []
        assert await summaries(auditor, action="person.tested", subject="person") == both
        assert await summaries(auditor, subject=str(student.id)) == both[1:]
        assert await summaries(auditor, action="person.tested", until="2020-01-01") == []
        assert await summaries(auditor, who="nobody of this name") == []

    async def test_pages(self, home: School, sign_in_as: SignIn) -> None:
        auditor = await sign_in_as(home, "auditor")
        first = (await auditor.get(API, params={"action": "person", "limit": "1"}, headers=JSON)).json()
        query = {"action": "person", "limit": "1", "cursor": first["next_cursor"]}
        second = (await auditor.get(API, params=query, headers=JSON)).json()
        assert [item["summary"] for item in (*first["items"], *second["items"])] == [
            "Tested student1 of home",
            "Tested student0 of home",
        ]

    async def test_looking_is_on_record(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        auditor = await sign_in_as(home, "auditor")
        await auditor.get("/audit", params={"whom": "Student"})
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "audit.searched"))).one()
        assert entry.actor_person_id == home.people["auditor"].id
        assert entry.purpose == "audit by whom"


@pytest.mark.usefixtures("entries")
class TestOneEntry:
    async def test_of_the_other_school_is_not_found(
        self, session: Session, away: School, home: School, sign_in_as: SignIn
    ) -> None:
        entry = await entry_of(session, away)
        auditor = await sign_in_as(home, "auditor")
        assert (await auditor.get(f"/audit/{entry.id}")).status_code == 404
        assert (await auditor.get(f"{API}/{entry.id}", headers=JSON)).status_code == 404

    async def test_changes_and_place(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        entry = await entry_of(session, home)
        auditor = await sign_in_as(home, "auditor")
        shown = (await auditor.get(f"{API}/{entry.id}", headers=JSON)).json()
        assert shown["changes"] == {"status": ["active", "tested"]}
        assert (shown["seq"], shown["hash"], shown["matches"]) == (entry.seq, entry.hash.hex(), True)
        page = (await auditor.get(f"/audit/{entry.id}")).text
        assert "active → tested" in page
        assert entry.prev_hash.hex() in page


@pytest.mark.usefixtures("entries")
class TestExport:
    async def test_every_hash_can_be_computed_elsewhere(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        auditor = await sign_in_as(home, "auditor")
        text_of = (await auditor.get("/audit/export/ndjson")).text
        rows = [json.loads(line) for line in text_of.splitlines()]
        assert "Tested student0 of home" in {row["summary"] for row in rows}
        assert not any("away" in row["summary"] for row in rows)
        for row in rows:
            assert hash_of(row["prev_hash"], row["hashed"]) == row["hash"]
            assert row["summary"] in json.loads(row["hashed"])
        linked = [(one, two) for one, two in itertools.pairwise(rows) if two["seq"] == one["seq"] + 1]
        assert linked
        assert all(two["prev_hash"] == one["hash"] for one, two in linked)
        assert (
            await session.scalar(select(AuditEntry.actor_person_id).where(AuditEntry.action == "audit.exported"))
        ) == home.people["auditor"].id

    async def test_csv_holds_the_same(self, home: School, sign_in_as: SignIn) -> None:
        auditor = await sign_in_as(home, "auditor")
        answer = await auditor.get("/audit/export/csv", params={"action": "person"})
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["summary"] for row in rows] == ["Tested student0 of home", "Tested student1 of home"]
        assert all(hash_of(row["prev_hash"], row["hashed"]) == row["hash"] for row in rows)

    async def test_a_form_that_is_not_there(self, home: School, sign_in_as: SignIn) -> None:
        auditor = await sign_in_as(home, "auditor")
        assert (await auditor.get("/audit/export/xlsx")).status_code in {404, 422}


@pytest.mark.usefixtures("entries")
class TestCheck:
    async def test_asked_for_by_a_button(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        auditor = await sign_in_as(home, "auditor")
        assert "Not checked yet" in (await auditor.get("/audit")).text
        answer = await auditor.post("/audit/checks")
        assert answer.headers["location"].startswith("/jobs/")
        assert (await session.scalars(select(Job.kind))).all() == ["identity.audit_check"]

    async def test_what_it_finds_is_shown(self, database: JoinedDatabase, home: School, sign_in_as: SignIn) -> None:
        result = await check_chain(JobContext(database, home.actor("auditor"), new_id()), CheckArguments())
        assert result is not None
        assert result["faults"] == 0
        page = (await (await sign_in_as(home, "auditor")).get("/audit")).text
        assert "The chain was whole" in page

    async def test_for_those_who_audit_alone(self, database: JoinedDatabase, home: School) -> None:
        with pytest.raises(PermissionDeniedError):
            await check_chain(JobContext(database, home.actor("registrar"), new_id()), CheckArguments())


class TestBrokenChain:
    async def test_a_removed_entry_is_found(self, own_database: Database, server: ServerOfTests) -> None:
        async with own_database.transaction(system_actor("test")) as session:
            home = (await build_two_schools(session)).home
            for number in range(3):
                subject = Subject("person", home.people["student0"].id, home.institution.id)
                record(
                    session,
                    actor=system_actor("test"),
                    action="person.tested",
                    subject=subject,
                    summary=f"Number {number}",
                )
        with server.superuser(own_database.engine.url.database or "") as connection:
            connection.execute("SET session_replication_role = replica")
            assert connection.execute("DELETE FROM audit_entry WHERE seq = 2").rowcount == 1
        auditor = home.actor("auditor")

        result = await check_chain(JobContext(own_database, auditor, new_id()), CheckArguments())

        assert result is not None
        assert "missing before entry 3: 2" in result["summary"]
        async with own_database.reading(auditor) as reading:
            check = await last_check(reading, auditor)
        assert check is not None
        assert (check.entries, check.faults) == (2, 1)


async def entry_of(session: Session, school: School) -> AuditEntry:
    """The entry about student0."""
    async with as_actor(session, system_actor("test")):
        found = await session.scalars(
            select(AuditEntry).where(
                AuditEntry.action == "person.tested", AuditEntry.person_id == school.people["student0"].id
            )
        )
        return found.one()


def hash_of(before: str, hashed: str) -> str:
    """As anybody can compute it (docs/decisions/audit-chain.md)."""
    return hashlib.sha256(bytes.fromhex(before) + hashed.encode()).hexdigest()
