"""Turns: a bounded number at once, in order, and nobody waits for ever."""

import asyncio

import pytest

from academe.platform.database.turns import Turns

pytestmark = pytest.mark.anyio


async def test_no_more_go_in_together_than_there_are_places() -> None:
    turns = Turns(2, patience_seconds=60)
    inside, most, order = 0, 0, []

    async def visit(number: int) -> None:
        nonlocal inside, most
        async with turns.turn():
            order.append(number)
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(visit(number) for number in range(20)))
    assert most == 2
    assert order == list(range(20))


async def test_who_waits_too_long_goes_in_all_the_same_and_takes_no_place_with_it() -> None:
    turns = Turns(1, patience_seconds=0.01)
    async with turns.turn(), turns.turn():
        pass
    async with asyncio.timeout(5), turns.turn():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_stay(turns, patience_seconds=60), 0.05)


async def test_a_turn_ends_with_its_block_even_when_that_fails() -> None:
    turns = Turns(1, patience_seconds=60)
    with pytest.raises(ValueError, match="broken"):
        async with turns.turn():
            raise ValueError("broken")
    async with asyncio.timeout(5), turns.turn():
        pass


async def _stay(turns: Turns, *, patience_seconds: float) -> None:
    turns._patience = patience_seconds
    async with turns.turn():
        pass
