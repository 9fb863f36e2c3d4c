"""The page and the endpoint of retention: who sees and changes rules, what they show, and what is left in the audit."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text

from academe.lrs.privacy.retention import expire, keep_for, rules
from academe.platform.actor import Actor
from academe.platform.database.partitions import ensure_months
from academe.platform.database.session import Session
from tests.lrs.conftest import ClientOf
from tests.lrs.privacy.test_retention import SYSTEM, month, of_kind
from tests.lrs.statements.kept import Keeper
from tests.schools import TwoSchools
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

PAGE = "/lrs/retention"
ENDPOINT = "/api/v1/lrs/retention"
RULES = f"{ENDPOINT}/rules"
OTHERS = ("registrar", "faculty_administrator", "auditor", "lecturer", "student0")


async def add_sender(session: Session, institution: object) -> None:
    async with as_actor(session, SYSTEM):
        await session.execute(
            text(
                "INSERT INTO xapi_sender (id, institution_id, name, key, secret_hash, authority, authority_key, scopes)"
                " VALUES (gen_random_uuid(), :institution, 'Moodle', :key, sha256('x'), '{}', 'account:x|y', '{all}')"
            ),
            {"institution": institution, "key": f"k{uuid4().hex}"},
        )


@pytest.fixture
async def administrator(session: Session, two_schools: TwoSchools) -> Actor:
    """The administrator of the only school with a sender; there are statements of five months ago."""
    await add_sender(session, two_schools.home.institution.id)
    async with as_actor(session, SYSTEM):
        for table in ("xapi_statement", "xapi_statement_agent", "xapi_statement_activity"):
            await ensure_months(session, table, month(5), month(5))
        at = datetime.combine(month(5), datetime.min.time(), UTC)
        await Keeper(session).keep(of_kind("quiz"), at=at)
        await Keeper(session).keep(of_kind("page"), at=at.replace(second=1))
    return two_schools.home.actor("administrator")


async def rules_now(session: Session) -> dict[str, int]:
    async with as_actor(session, SYSTEM):
        return await rules(session)


class TestWho:
    async def test_nobody(self, client_of: ClientOf) -> None:
        assert (await client_of().get(PAGE)).status_code == 303
        assert (await client_of().get(ENDPOINT)).status_code == 401
        assert (await client_of().put(RULES, json={"kind": "quiz", "months": 1})).status_code == 401

    async def test_others(self, client_of: ClientOf, two_schools: TwoSchools, session: Session) -> None:
        for who in OTHERS:
            client = client_of(two_schools.home.actor(who))
            assert (await client.get(PAGE)).status_code == 403, who
            assert (await client.post(PAGE, data={"kind": "quiz", "months": "1"})).status_code == 403, who
            assert (await client.put(RULES, json={"kind": "quiz", "months": 1})).status_code == 403, who
        assert await rules_now(session) == {}

    @pytest.mark.parametrize("whose", ["of another school", "of the installation"])
    async def test_administrators_do_not_change_what_others_keep(
        self, client_of: ClientOf, administrator: Actor, two_schools: TwoSchools, session: Session, whose: str
    ) -> None:
        await add_sender(session, two_schools.away.institution.id if whose == "of another school" else None)
        client = client_of(administrator)
        assert "command line" in (await client.get(PAGE)).text
        assert (await client.get(ENDPOINT)).json()["can_change"] is False
        assert (await client.put(RULES, json={"kind": "quiz", "months": 1})).status_code == 403
        assert await rules_now(session) == {}


class TestRules:
    async def test_the_page_sets_and_lifts(self, client_of: ClientOf, administrator: Actor, session: Session) -> None:
        client = client_of(administrator)
        assert "Everything is kept for ever" in (await client.get(PAGE)).text
        set_ = await client.post(PAGE, data={"kind": "http://adlnet.gov/expapi/activities/Quiz", "months": "3"})
        assert (set_.status_code, set_.headers["location"]) == (303, PAGE)
        assert await rules_now(session) == {"quiz": 3}
        shown = (await client.get(PAGE)).text
        assert "3 months" in shown
        assert f"{month(5):%Y-%m}" in shown
        assert (await client.post(PAGE, data={"kind": "quiz", "months": ""})).status_code == 303
        assert await rules_now(session) == {}

    @pytest.mark.parametrize("data", [{"kind": "", "months": "3"}, {"kind": "quiz", "months": "0"}, {"kind": "  "}])
    async def test_what_is_wrong_is_said_and_changes_nothing(
        self, client_of: ClientOf, administrator: Actor, session: Session, data: dict[str, str]
    ) -> None:
        answer = await client_of(administrator).post(PAGE, data=data)
        assert answer.status_code == 422
        assert await rules_now(session) == {}

    async def test_the_endpoint(self, client_of: ClientOf, administrator: Actor, session: Session) -> None:
        client = client_of(administrator)
        answer = await client.put(RULES, json={"kind": "quiz", "months": 3})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["rules"], told["can_change"], told["runs"]) == ({"quiz": 3}, True, [])
        (over,) = told["over"]
        assert (over["month"], over["statements"], over["whole"], over["total"]) == (
            month(5).isoformat(),
            {"quiz": 1},
            False,
            2,
        )
        assert over["bytes_freed"] > 0
        assert (await client.put(RULES, json={"kind": "quiz", "months": 0})).status_code == 422
        assert (await client.put(RULES, json={"kind": "quiz", "months": None})).json()["rules"] == {}

    async def test_the_audit_names_who_asked(self, client_of: ClientOf, administrator: Actor, session: Session) -> None:
        await client_of(administrator).put(RULES, json={"kind": "quiz", "months": 3})
        async with as_actor(session, SYSTEM):
            left = await session.execute(
                text(
                    "SELECT action, actor_person_id, changes ->> 'kind' FROM audit_entry"
                    " WHERE subject_kind = 'xapi_retention' ORDER BY seq"
                )
            )
            assert [tuple(row) for row in left] == [
                ("xapi_retention.requested", administrator.person_id, "quiz"),
                ("xapi_retention.changed", None, "quiz"),
            ]

    async def test_what_was_deleted_is_shown(
        self, client_of: ClientOf, administrator: Actor, session: Session, database: JoinedDatabase
    ) -> None:
        async with as_actor(session, SYSTEM):
            await keep_for(session, actor=SYSTEM, kind="quiz", months=3)
        client = client_of(administrator)
        assert "Nothing yet" in (await client.get(PAGE)).text
        await expire(database)
        said = f"1 statements of {month(5):%Y-%m} expired"
        assert [run["summary"] for run in (await client.get(ENDPOINT)).json()["runs"]] == [said]
        shown = (await client.get(PAGE)).text
        assert said in shown
        assert "Nothing yet" not in shown
