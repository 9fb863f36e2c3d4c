"""How the worker goes about it: one request at a time, bounded batches, and an end when it is told to stop."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from academe.lrs.forwarding import runner
from academe.lrs.forwarding.runner import forward_statements, take_turn
from academe.lrs.forwarding.types import ForwardFilter, ForwardState
from tests.lrs.forwarding.misbehaving import Misbehaving, accepting, misbehaving, silent
from tests.lrs.forwarding.stores import SYSTEM, Here, statement

pytestmark = pytest.mark.anyio

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class TestBounds:
    async def test_one_request_at_a_time_however_many_workers(self, here: Here) -> None:
        here.database.settings = here.database.settings.model_copy(update={"xapi_forward_statements": 5})
        await here.send(*[statement(number) for number in range(50)])
        async with misbehaving(accepting) as store:
            forward = await here.add_forward(store.endpoint, since=LONG_AGO)
            turns = await asyncio.gather(*[take_turn(here.database, forward) for _ in range(5)])
            assert turns.count(True) == 1
            assert store.most_at_once == 1
            assert [len(each.statements) for each in store.asked] == [5] * 10

    async def test_batches_are_bounded_in_bytes(self, here: Here) -> None:
        here.database.settings = here.database.settings.model_copy(update={"xapi_forward_mebibytes": 1})
        large = {"extensions": {"http://example.com/large": "x" * 400_000}}
        await here.send(*[statement(number, result=large) for number in range(7)])
        async with misbehaving(accepting) as store:
            forward = await here.add_forward(store.endpoint, since=LONG_AGO)
            assert (await here.turn(forward)).delivered == 7
            assert [len(each.statements) for each in store.asked] == [3, 3, 1]
            async with here.database.transaction(SYSTEM) as session:
                batch = (await session.execute(text("SELECT batch FROM xapi_forward_progress"))).scalar_one()
            assert batch <= 12, "it reads many times what it sends"

    async def test_it_moves_on_past_thousands_that_do_not_fit(self, here: Here) -> None:
        for _ in range(6):
            await here.send(*[statement(number) for number in range(1000)])
        (last,) = await here.send(statement(1, verb={"id": "http://example.com/verbs/liked"}))
        async with misbehaving(accepting) as store:
            wanted = ForwardFilter(verbs=["http://example.com/verbs/liked"])
            forward = await here.add_forward(store.endpoint, wanted=wanted, since=LONG_AGO)
            assert (await here.turn(forward)).delivered == 1
            assert [each["id"] for request in store.asked for each in request.statements] == [last]


class TestLoop:
    async def test_forwards_go_side_by_side_and_what_comes_later_is_found(self, here: Here) -> None:
        first = await here.send(statement(1))
        async with misbehaving(silent) as slow, misbehaving(accepting) as quick, _running(here) as stop:
            await here.add_forward(slow.endpoint, since=LONG_AGO)
            await here.add_forward(quick.endpoint, since=LONG_AGO)
            await _until_asked(quick, 1)
            later = await here.send(statement(2))
            await _until_asked(quick, 2)
            assert [each["id"] for request in quick.asked for each in request.statements] == [*first, *later]
            assert len(slow.asked) == 1
            await stop()

    async def test_it_ends_soon_when_told_and_sends_again_what_had_no_answer(
        self, here: Here, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(runner, "_END_SECONDS", 0.5)
        await here.send(statement(1))
        async with misbehaving(silent, accepting) as store:
            forward = await here.add_forward(store.endpoint, since=LONG_AGO)
            async with _running(here) as stop:
                await _until_asked(store, 1)
                begun = time.monotonic()
                await stop()
                assert time.monotonic() - begun < 5
            assert (await here.forward(forward)).state is ForwardState.ACTIVE
            assert (await here.turn(forward)).delivered == 1
            assert store.asked[0].statements == store.asked[1].statements


@asynccontextmanager
async def _running(here: Here) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """The worker's loop; what is given stops it."""
    stopping = asyncio.Event()
    loop = asyncio.create_task(forward_statements(here.database, stopping))

    async def stop() -> None:
        stopping.set()
        await loop

    try:
        yield stop
    finally:
        await stop()


async def _until_asked(store: Misbehaving, count: int) -> None:
    end = time.monotonic() + 20
    while len(store.asked) < count:
        assert time.monotonic() < end, "nothing happens any more"
        await asyncio.sleep(0.05)
