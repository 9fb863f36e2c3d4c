"""The rollup follows the statements: each counted once, on its day, for whom it is about; rebuilt it is the same."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from academe.lrs.facts import AgentErased
from academe.lrs.keys import key_uuid
from academe.lrs.models import ActivityDay
from academe.lrs.privacy.service import erase_agent
from academe.lrs.rollup import follower
from academe.lrs.rollup.links import Resolvers
from academe.lrs.statements.intake import Intake
from academe.lrs.xapi.identity import key_of
from academe.platform.database.session import Database, Session
from tests.lrs.statements.brought import VOIDED, a_statement, about, batch_of

pytestmark = pytest.mark.anyio

PERSON, OFFERING = uuid4(), uuid4()
COURSE = "https://campus.example.edu/course"
ADA = key_uuid("mbox:ada@example.com")
IN_COURSE = {"contextActivities": {"grouping": [{"id": COURSE}]}}


async def agents(session: Session, asked: Mapping[UUID, Mapping[str, Any]]) -> Mapping[UUID, UUID]:
    return {key: PERSON for key, agent in asked.items() if agent == {"mbox": "mailto:ada@example.com"}}


async def contexts(session: Session, asked: Mapping[UUID, str]) -> Mapping[UUID, UUID]:
    return {key: OFFERING for key, iri in asked.items() if iri == COURSE}


KNOWING = Resolvers(agents=(agents,), contexts=(contexts,))


@pytest.fixture
def intake(own_database: Database) -> Intake:
    return Intake(own_database, limit_bytes=1_000_000)


async def catch_up(database: Database, resolvers: Resolvers = KNOWING) -> None:
    while await follower.catch_up(database, resolvers) is not None:
        pass


async def days(database: Database) -> list[tuple[Any, ...]]:
    columns = (
        ActivityDay.context_id, ActivityDay.actor_id, ActivityDay.day, ActivityDay.activity_id, ActivityDay.kind,
        ActivityDay.count, ActivityDay.duration_seconds, ActivityDay.last_at, ActivityDay.from_statements,
    )  # fmt: skip
    async with database.reading(follower.ACTOR) as session:
        rows = await session.execute(select(*columns).order_by(*columns[:4]))
        return [tuple(row) for row in rows]


async def test_statements_are_added_up_by_day_for_whom_they_are_about(own_database: Database, intake: Intake) -> None:
    activity = "https://campus.example.edu/quiz/4"
    quiz = {"id": activity, "definition": {"type": "http://example.com/types/quiz"}}
    for moment, duration in (("2026-11-20T23:30:00Z", "PT1M"), ("2026-11-20T09:00:00Z", "PT30S")):
        await intake.store(
            batch_of(a_statement(object=quiz, context=IN_COURSE, timestamp=moment, result={"duration": duration}))
        )
        await catch_up(own_database)
    await intake.store(batch_of(a_statement(object=quiz, context=IN_COURSE, timestamp="2026-11-21T01:00:00+03:00")))
    await catch_up(own_database)
    (row,) = await days(own_database)
    assert row[:7] == (OFFERING, PERSON, row[2], key_uuid(activity), "quiz", 3, 90)
    assert (str(row[2]), row[7].isoformat(), row[8]) == ("2026-11-20", "2026-11-20T23:30:00+00:00", True)


async def test_who_nobody_knows_is_counted_under_the_key(own_database: Database, intake: Intake) -> None:
    await intake.store(batch_of(a_statement(), a_statement(actor={"mbox": "mailto:bo@example.com"})))
    await catch_up(own_database, Resolvers())
    assert {(row[0].int, row[1], row[5]) for row in await days(own_database)} == {
        (0, ADA, 1),
        (0, key_uuid("mbox:bo@example.com"), 1),
    }
    await follower.rebuild(own_database, KNOWING)
    assert {row[1] for row in await days(own_database)} == {PERSON, key_uuid("mbox:bo@example.com")}


@pytest.mark.parametrize("moment", ["2999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
async def test_a_time_that_cannot_be_is_the_time_of_storing(
    own_database: Database, intake: Intake, moment: str
) -> None:
    await intake.store(batch_of(a_statement(timestamp=moment)))
    await catch_up(own_database)
    async with own_database.reading(follower.ACTOR) as session:
        assert await session.scalar(text("SELECT day = (last_at AT TIME ZONE 'UTC')::date FROM activity_day"))
        assert await session.scalar(text("SELECT a.last_at = s.stored FROM activity_day a, xapi_statement s"))


@pytest.mark.parametrize("counted_before", [True, False])
async def test_what_is_voided_does_not_count(own_database: Database, intake: Intake, counted_before: bool) -> None:
    wrong, right = a_statement(), a_statement()
    await intake.store(batch_of(wrong, right))
    if counted_before:
        await catch_up(own_database)
        assert [row[5] for row in await days(own_database)] == [2]
    await intake.store(batch_of(a_statement(verb=VOIDED, object=about(wrong["id"]))))
    await catch_up(own_database)
    assert [row[5] for row in await days(own_database)] == [1]
    before = await days(own_database)
    await follower.rebuild(own_database, KNOWING)
    assert await days(own_database) == before


async def test_followers_of_several_processes_count_once_while_statements_come(
    own_database: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "STEP", 7)
    stopping = asyncio.Event()
    followers = [asyncio.create_task(follower.follow(own_database, KNOWING, stopping)) for _ in range(3)]
    for _ in range(10):
        await asyncio.gather(*(intake.store(batch_of(*(a_statement() for _ in range(3)))) for _ in range(5)))
    stopping.set()
    await asyncio.gather(*followers)
    await catch_up(own_database)
    assert sum(row[5] for row in await days(own_database)) == 150
    before = await days(own_database)
    assert await follower.rebuild(own_database, KNOWING) == len(before)
    assert await days(own_database) == before


async def test_a_step_that_fails_leaves_everything_as_it_was(own_database: Database, intake: Intake) -> None:
    async def broken(*_: object) -> Mapping[UUID, UUID]:
        raise RuntimeError("a module above is ill")

    await intake.store(batch_of(a_statement()))
    with pytest.raises(RuntimeError, match="is ill"):
        await follower.catch_up(own_database, Resolvers(agents=(broken,)))
    assert await days(own_database) == []
    await catch_up(own_database)
    assert len(await days(own_database)) == 1


async def test_imported_days_stay_when_statements_are_counted_anew(own_database: Database, intake: Intake) -> None:
    async with own_database.transaction(follower.ACTOR) as session:
        await session.execute(
            text(
                "INSERT INTO activity_day (context_id, actor_id, day, activity_id, kind, count)"
                " VALUES (:context, :actor, current_date, :activity, 'page', 5)"
            ),
            {"context": OFFERING, "actor": PERSON, "activity": uuid4()},
        )
    await intake.store(batch_of(a_statement()))
    await catch_up(own_database)
    await follower.rebuild(own_database, KNOWING)
    assert sorted((row[5], row[8]) for row in await days(own_database)) == [(1, True), (5, False)]


async def test_an_erased_agent_counts_under_the_pseudonym_and_as_nobody(own_database: Database, intake: Intake) -> None:
    other = {"mbox": "mailto:ada@example.com"}
    await intake.store(batch_of(a_statement(), a_statement(), a_statement(actor={"mbox": "mailto:bo@example.com"})))
    await catch_up(own_database)
    erasure = await erase_agent(own_database, actor=follower.ACTOR, agent_key_text=str(key_of(other)))
    pseudonym = (await everyone(own_database)) - {key_uuid("mbox:bo@example.com")}
    async with own_database.transaction(follower.ACTOR) as session:
        await follower.forget_agent(session, AgentErased(ADA, next(iter(pseudonym))))
        assert await session.scalar(text("SELECT count(*) FROM xapi_agent_link")) == 0
    assert erasure.statements == 2
    assert {(row[1], row[5]) for row in await days(own_database)} == {
        (next(iter(pseudonym)), 2),
        (key_uuid("mbox:bo@example.com"), 1),
    }
    before = await days(own_database)
    await follower.rebuild(own_database, KNOWING)
    assert await days(own_database) == before


async def everyone(database: Database) -> set[UUID]:
    """The actors of all statements."""
    async with database.reading(follower.ACTOR) as session:
        return set(await session.scalars(text("SELECT DISTINCT agent_key FROM xapi_statement")))
