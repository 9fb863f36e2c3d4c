"""The cache in one process: bounded in time and number, forgetful on demand."""

import asyncio

import pytest

from academe.platform.cache import Cache, MemoryCache


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


class Loads:
    """Loads that end when the test says so."""

    def __init__(self) -> None:
        self.number = 0
        self._running: asyncio.Queue[asyncio.Future[int]] = asyncio.Queue()

    async def __call__(self) -> int:
        self.number += 1
        value: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._running.put_nowait(value)
        return await value

    async def begun(self) -> None:
        """Wait for the next to begin; `end` then ends it."""
        self.end = (await self._running.get()).set_result


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> MemoryCache[str, int]:
    return MemoryCache(entries=2, seconds=10, clock=clock)


class TestMemoryCache:
    def test_is_what_the_port_asks_for(self, cache: MemoryCache[str, int]) -> None:
        port: Cache[str, int] = cache
        port.put("a", 1)
        assert port.get("a") == 1

    def test_forgets_what_is_too_old(self, cache: MemoryCache[str, int], clock: Clock) -> None:
        cache.put("a", 1)
        clock.time = 9.9
        assert cache.get("a") == 1
        clock.time = 10.0
        assert cache.get("a") is None
        assert len(cache) == 0

    def test_reading_does_not_make_an_entry_younger(self, cache: MemoryCache[str, int], clock: Clock) -> None:
        cache.put("a", 1)
        clock.time = 9.0
        cache.get("a")
        clock.time = 11.0
        assert cache.get("a") is None

    def test_makes_room_by_what_was_used_longest_ago(self, cache: MemoryCache[str, int]) -> None:
        cache.put("a", 1)
        cache.put("b", 2)
        cache.get("a")
        cache.put("c", 3)
        assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)

    def test_forgets_when_told(self, cache: MemoryCache[str, int]) -> None:
        cache.put("a", 1)
        cache.forget("a")
        cache.forget("never there")
        assert cache.get("a") is None
        cache.put("b", 2)
        cache.clear()
        assert len(cache) == 0

    def test_without_room_or_time_is_no_cache(self) -> None:
        with pytest.raises(ValueError, match="at least one entry"):
            MemoryCache[str, int](entries=0, seconds=1)
        with pytest.raises(ValueError, match="more than no time"):
            MemoryCache[str, int](entries=1, seconds=0)


@pytest.mark.anyio
class TestGetOrLoad:
    async def test_loads_once(self, cache: MemoryCache[str, int]) -> None:
        loaded: list[int] = []

        async def load() -> int:
            loaded.append(7)
            return 7

        assert [await cache.get_or_load("a", load) for _ in range(3)] == [7, 7, 7]
        assert loaded == [7]

    async def test_keeps_nothing_of_a_failure(self, cache: MemoryCache[str, int]) -> None:
        async def fail() -> int:
            raise ConnectionError

        with pytest.raises(ConnectionError):
            await cache.get_or_load("a", fail)
        assert cache.get("a") is None

    async def test_who_asks_meanwhile_waits_for_it(self, cache: MemoryCache[str, int]) -> None:
        loads = Loads()
        asked = [asyncio.create_task(cache.get_or_load("a", loads)) for _ in range(3)]
        await loads.begun()
        loads.end(7)
        assert await asyncio.gather(*asked) == [7, 7, 7]
        assert loads.number == 1

    async def test_the_next_loads_when_it_failed(self, cache: MemoryCache[str, int]) -> None:
        loads = Loads()
        first, second = (asyncio.create_task(cache.get_or_load("a", loads)) for _ in range(2))
        await loads.begun()
        first.cancel()
        await loads.begun()
        loads.end(8)
        assert await second == 8
        assert first.cancelled()

    async def test_keeps_nothing_that_was_forgotten_meanwhile(self, cache: MemoryCache[str, int]) -> None:
        loads = Loads()
        before = asyncio.create_task(cache.get_or_load("a", loads))
        await loads.begun()
        cache.clear()
        after = asyncio.create_task(cache.get_or_load("a", loads))
        ended = loads.end
        await loads.begun()
        loads.end(2)
        assert await after == 2
        ended(1)
        assert await before == 1
        assert cache.get("a") == 2

    async def test_keeps_only_what_is_worth_it(self, cache: MemoryCache[str, int]) -> None:
        async def load() -> int:
            return 5

        assert await cache.get_or_load("a", load, keep=lambda value: value > 5) == 5
        assert cache.get("a") is None
