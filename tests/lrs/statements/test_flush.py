"""The wait for the disk: nobody is answered before it has ended, and what a crash took meanwhile is stored again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import func, select

from academe.lrs.statements.flush import FLUSH
from academe.lrs.statements.intake import ACTOR, Intake
from academe.lrs.statements.models import XapiStatement
from academe.lrs.statements.store import STORE
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.database.driver import DriverStatement
from academe.platform.database.session import Database
from tests.lrs.statements.brought import a_statement, batch_of

pytestmark = pytest.mark.anyio

Steps = Sequence[tuple[DriverStatement, Mapping[str, Any]]]
AtOnce = Callable[[Actor, Steps], Awaitable[Sequence[tuple[Any, ...]]]]


class CrashError(Exception):
    """Takes a transaction whose statements were answered."""


KILL = DriverStatement("SELECT pg_terminate_backend(pg_backend_pid())", operation="select", table="")


@pytest.fixture
async def intake(own_database: Database) -> AsyncIterator[Intake]:
    """An intake that knows what statements share, so that it stores the next ones at once."""
    opened = Intake(own_database, limit_bytes=100_000)
    await opened.store(batch_of(a_statement()))
    yield opened
    await opened.close()


async def stored(database: Database) -> int:
    async with database.reading(ACTOR) as session:
        return await session.scalar(select(func.count()).select_from(XapiStatement)) or 0


async def until_stored(database: Database, count: int) -> None:
    async with asyncio.timeout(30):
        while await stored(database) < count:  # noqa: ASYNC110 - the database says it, no task
            await asyncio.sleep(0.01)


def once(monkeypatch: pytest.MonkeyPatch, database: Database, step: DriverStatement, instead: AtOnce) -> list[str]:
    """The first transaction that ends with this step goes another way; returns what happened."""
    happened: list[str] = []
    real = database.at_once

    async def at_once(actor: Actor, steps: Steps) -> Sequence[tuple[Any, ...]]:
        if steps[-1][0] is step and not happened:
            happened.append("instead")
            return await instead(actor, steps)
        return await real(actor, steps)

    monkeypatch.setattr(database, "at_once", at_once)
    return happened


async def test_nobody_is_answered_before_the_disk_has_it_and_the_next_group_is_stored_meanwhile(
    own_database: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = asyncio.Event()
    real = own_database.at_once

    async def slow(actor: Actor, steps: Steps) -> Sequence[tuple[Any, ...]]:
        await disk.wait()
        return await real(actor, steps)

    once(monkeypatch, own_database, FLUSH, slow)
    before = clock.now()
    first = asyncio.create_task(intake.store(batch_of(a_statement())))
    await until_stored(own_database, 2)
    second = asyncio.create_task(intake.store(batch_of(a_statement())))
    await until_stored(own_database, 3)
    assert not first.done()
    assert not second.done()
    assert intake.consistent_through() < clock.now()
    disk.set()
    await asyncio.gather(first, second)
    assert intake.consistent_through() > before


async def test_what_a_crash_took_before_the_flush_is_stored_again(
    own_database: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(actor: Actor, steps: Steps) -> Sequence[tuple[Any, ...]]:
        rows: list[Sequence[tuple[Any, ...]]] = []
        with suppress(CrashError):
            async with own_database.transaction(actor) as session:
                connection = await session.connection()
                rows = [await statement.rows(connection, parameters) for statement, parameters in steps]
                raise CrashError
        return rows[-1]

    happened = once(monkeypatch, own_database, STORE, lost)
    await intake.store(batch_of(a_statement()))
    assert happened
    assert await stored(own_database) == 2


async def test_a_flush_that_fails_is_no_answer(
    own_database: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = own_database.at_once
    happened = once(monkeypatch, own_database, FLUSH, lambda actor, _: real(actor, [(KILL, {})]))
    await asyncio.gather(*(intake.store(batch_of(a_statement())) for _ in range(3)))
    assert happened
    assert await stored(own_database) == 4


async def test_statements_of_the_spool_wait_for_the_disk_too(
    own_database: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unseen(_actor: Actor, _steps: Steps) -> Sequence[tuple[Any, ...]]:
        return [(False,)]

    happened = once(monkeypatch, own_database, FLUSH, unseen)
    assert await intake.store_kept([batch_of(a_statement())]) == [None]
    assert happened
    assert await stored(own_database) == 2
