"""Statements that expire: whole months, by kind, with everything that stood for them elsewhere."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from academe.identity.privacy.holds.models import LegalHold
from academe.lrs.keys import key_uuid
from academe.lrs.privacy.retention import Expired, expire, keep_for, preview, rules
from academe.lrs.rollup.models import XapiAgentLink
from academe.lrs.xapi.identity import key_of
from academe.platform import clock
from academe.platform.actor import ANONYMOUS, Actor, system_actor
from academe.platform.database.partitions import ensure_months, later
from academe.platform.database.session import Database
from academe.platform.errors import InvalidInputError, PermissionDeniedError
from tests.lrs.statements.kept import ADA, BOB, CID, COURSE, Keeper, Reader, about, statement
from tests.schools import build_two_schools
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.anyio

SYSTEM = system_actor("lrs")
TYPE = "http://adlnet.gov/expapi/activities/"


def month(ago: int) -> date:
    """The first day of the month that is so many months ago."""
    return later(clock.now().date().replace(day=1), -ago)


def of_kind(kind: str, **parts: Any) -> dict[str, Any]:
    activity = {"id": f"urn:activity:{kind}", "definition": {"type": TYPE + kind}}
    context = {"instructor": BOB, "contextActivities": {"parent": [{"id": COURSE}]}}
    return statement(object=activity, context=context, **parts)


async def kept_at(database: Database, ago: int, *statements: dict[str, Any], second: int = 1) -> None:
    """Store statements at the beginning of a month long ago."""
    async with database.transaction(SYSTEM) as session:
        for table in ("xapi_statement", "xapi_statement_agent", "xapi_statement_activity"):
            await ensure_months(session, table, month(ago), month(ago))
        at = datetime.combine(month(ago), datetime.min.time(), UTC) + timedelta(seconds=second)
        for place, one in enumerate(statements):
            await Keeper(session).keep(one, at=at + timedelta(seconds=place))


async def rule(database: Database, kind: str, months: int | None, actor: Actor = SYSTEM) -> str:
    async with database.transaction(SYSTEM) as session:
        return await keep_for(session, actor=actor, kind=kind, months=months)


async def counts(database: Database) -> dict[str, int]:
    tables = ("statement", "statement_id", "statement_agent", "statement_activity", "reference", "alias", "alias_key")
    async with database.transaction(SYSTEM) as session:
        return {
            table: (await session.execute(text(f"SELECT count(*) FROM xapi_{table}"))).scalar_one() for table in tables
        }


async def partition_is_there(database: Database, ago: int) -> bool:
    async with database.transaction(SYSTEM) as session:
        name = f"xapi_statement{month(ago):_y%Ym%m}"
        found = (await session.execute(text("SELECT to_regclass(:name)::text"), {"name": name})).scalar_one()
        return found is not None


async def test_without_rules_nothing_goes(own_database: Database) -> None:
    await kept_at(own_database, 30, of_kind("quiz"))
    assert await expire(own_database) == []
    assert (await counts(own_database))["statement"] == 1


async def test_a_kind_that_is_over_goes_with_all_that_stood_for_it(own_database: Database) -> None:
    quiz, page = of_kind("quiz"), of_kind("page")
    newer, comment = of_kind("quiz"), about(quiz["id"], actor=ADA)
    await kept_at(own_database, 5, quiz, page)
    await kept_at(own_database, 2, newer, comment)
    await rule(own_database, TYPE + "quiz", 3)
    async with own_database.transaction(SYSTEM) as session:
        planned = await preview(session)
    assert planned == [Expired(month(5), {"quiz": 1}, whole=False)]
    assert await expire(own_database) == planned
    assert await counts(own_database) == {
        "statement": 3,
        "statement_id": 3,
        "statement_agent": 2,
        "statement_activity": 2,
        "reference": 1,
        "alias": 0,
        "alias_key": 0,
    }
    assert sorted(await Reader(own_database).ids()) == sorted(one["id"] for one in (page, newer, comment))
    assert await Reader(own_database).ids(activity="urn:activity:quiz") == [newer["id"]], "not by what it referred to"
    assert await partition_is_there(own_database, 5)
    assert await expire(own_database) == []


async def test_a_whole_month_is_dropped(own_database: Database) -> None:
    quiz = of_kind("quiz")
    await kept_at(own_database, 5, quiz, of_kind("page"), about(quiz["id"]))
    await kept_at(own_database, 4, of_kind("page"))
    await rule(own_database, "*", 4)
    went = await expire(own_database)
    assert [(one.month, one.whole, sum(one.statements.values())) for one in went] == [(month(5), True, 3)]
    assert not await partition_is_there(own_database, 5)
    assert await partition_is_there(own_database, 4)
    assert await counts(own_database) == {
        "statement": 1,
        "statement_id": 1,
        "statement_agent": 1,
        "statement_activity": 1,
        "reference": 0,
        "alias": 0,
        "alias_key": 0,
    }


async def test_a_kind_of_its_own_rule_outlives_the_others(own_database: Database) -> None:
    await kept_at(own_database, 5, of_kind("quiz"), of_kind("page"))
    await rule(own_database, "*", 1)
    await rule(own_database, "quiz", 24)
    assert [one.statements for one in await expire(own_database)] == [{"page": 1}]
    await rule(own_database, "quiz", None)
    assert [one.statements for one in await expire(own_database)] == [{"quiz": 1}]


async def test_the_present_month_never_goes(own_database: Database) -> None:
    await kept_at(own_database, 0, of_kind("quiz"))
    await rule(own_database, "*", 1)
    assert await expire(own_database) == []
    with pytest.raises(Exception, match="is not over"):
        async with own_database.transaction(SYSTEM) as session:
            await session.execute(text("SELECT expire_xapi_statements(:month, '{quiz}')"), {"month": month(0)})


async def test_every_expiry_is_in_the_audit(own_database: Database, server: ServerOfTests) -> None:
    await kept_at(own_database, 5, of_kind("quiz"))
    await rule(own_database, "*", 1)
    await expire(own_database)
    async with own_database.transaction(SYSTEM) as session:
        said = (await session.scalars(text("SELECT summary FROM audit_entry ORDER BY seq"))).all()
    assert said == ["Statements of kind * are kept for 1 months", f"1 statements of {month(5):%Y-%m} expired"]


async def test_rules_are_of_the_system_and_of_whole_months(own_database: Database) -> None:
    assert await rule(own_database, "Quiz", 3) == "quiz"
    for kind, months in (("", 1), ("quiz", 0)):
        with pytest.raises(InvalidInputError):
            await rule(own_database, kind, months)
    with pytest.raises(PermissionDeniedError):
        await rule(own_database, "quiz", 1, ANONYMOUS)
    async with own_database.transaction(SYSTEM) as session:
        assert await rules(session) == {"quiz": 3}


async def hold_of(database: Database, agent: dict[str, Any]) -> LegalHold:
    """The agent is a person, and the person is under legal hold."""
    async with database.transaction(SYSTEM) as session:
        school = (await build_two_schools(session)).home
        person = school.people["student0"]
        hold = LegalHold(institution_id=school.institution.id, person_id=person.id, reason="Case 7")
        key = key_uuid(key_of(agent) or "")
        session.add_all((hold, XapiAgentLink(agent_key=key, actor_id=person.id)))
    return hold


@pytest.mark.parametrize("held", [ADA, BOB], ids=["who acts", "who is mentioned"])
async def test_nothing_about_somebody_under_legal_hold_goes(own_database: Database, held: dict[str, Any]) -> None:
    about_held = of_kind("quiz", actor=ADA)
    others = of_kind("quiz", actor=CID) | {"context": {}}
    await kept_at(own_database, 5, about_held, others)
    await rule(own_database, "*", 1)
    hold = await hold_of(own_database, held)
    assert await expire(own_database) == [Expired(month(5), {"quiz": 1}, whole=False)]
    assert await Reader(own_database).ids() == [about_held["id"]]
    assert await partition_is_there(own_database, 5)
    assert await expire(own_database) == []
    async with own_database.transaction(SYSTEM) as session:
        lifted = await session.get_one(LegalHold, hold.id)
        lifted.lifted_at = clock.now()
    assert await expire(own_database) == [Expired(month(5), {"quiz": 1}, whole=True)]
