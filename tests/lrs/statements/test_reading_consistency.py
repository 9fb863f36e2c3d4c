"""What the header of the consistent time promises: everything up to it can be found."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import DateTime, func, literal, select

from academe.lrs.http.edge import CONSISTENT_THROUGH
from academe.lrs.statements.queries import consistent_through
from academe.lrs.statements.store import take_turn
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from tests.lrs.statements.kept import FIRST, VOIDED, Keeper, Reader, statement

pytestmark = pytest.mark.anyio


class TestConsistentThrough:
    async def test_now(self, keeper: Keeper, reader: Reader) -> None:
        """Nobody writes: everything until now can be read."""
        await keeper.keep(statement())
        for parameters in ({}, {"verb": VOIDED}, {"limit": "1", "ascending": "true"}):
            before = clock.now()
            answer = await reader.get(parameters)
            text = answer.headers[CONSISTENT_THROUGH]
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
            assert before - timedelta(milliseconds=1) <= datetime.fromisoformat(text) <= datetime.now(UTC)

    async def test_before_anything(self, reader: Reader) -> None:
        before = clock.now()
        text = (await reader.get()).headers[CONSISTENT_THROUGH]
        assert datetime.fromisoformat(text) >= before - timedelta(milliseconds=1)

    async def test_while_somebody_writes(self, own_database: Database) -> None:
        """While a writer is in its transaction, nothing after the newest statement is sure."""
        actor = system_actor("lrs")
        async with own_database.transaction(actor) as session:
            await Keeper(session).keep(statement())
        async with own_database.reading(actor) as reading:
            assert await consistent_through(reading) > FIRST
        async with own_database.transaction(actor) as session:
            await take_turn(await session.connection())
            answer = await Reader(own_database).get()
            assert answer.headers[CONSISTENT_THROUGH] == FIRST.isoformat(timespec="milliseconds")[:-6] + "Z"
            async with own_database.reading(actor) as reading:
                assert await consistent_through(reading) == FIRST
        async with own_database.reading(actor) as reading:
            assert await consistent_through(reading) > FIRST

    async def test_commit_between_the_list_and_the_look(self, own_database: Database) -> None:
        """A list that lacks what was committed a moment later does not claim to have it."""
        actor = system_actor("lrs")
        later = FIRST + timedelta(seconds=1)
        async with own_database.transaction(actor) as session:
            await Keeper(session).keep(statement(), statement())
        async with own_database.reading(actor) as session:
            # The newest that the list has seen is the first statement; the second came before the look at the lock.
            seen = select(func.xapi_consistent_through(literal(FIRST, DateTime(timezone=True))))
            assert await session.scalar(seen) == FIRST
            seen = select(func.xapi_consistent_through(literal(later, DateTime(timezone=True))))
            moment = await session.scalar(seen)
            assert moment is not None
            assert moment > later
