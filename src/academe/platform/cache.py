"""A small cache: what was computed a moment ago, within one process, for a bounded time and number of
entries.

Anything cached must be allowed to be `seconds` old in every other process; whoever changes it forgets it here
at once.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, Protocol, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Key_contra = TypeVar("Key_contra", bound=Hashable, contravariant=True)


class Cache(Protocol[Key_contra, Value]):
    """The port: what callers rely on, whatever keeps the entries."""

    def get(self, key: Key_contra) -> Value | None:
        """The value kept for a key; None when there is none or it is too old."""

    def put(self, key: Key_contra, value: Value) -> None:
        """Keep a value for a key."""

    def forget(self, key: Key_contra) -> None:
        """Keep nothing for a key."""

    def clear(self) -> None:
        """Keep nothing at all."""


class MemoryCache(Generic[Key, Value]):
    """Entries in this process: at most `entries` (the least recently used goes first), each for `seconds`.

    Not for use from several threads at once; the event loop's thread is one.
    """

    def __init__(self, *, entries: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        if entries < 1 or seconds <= 0:
            raise ValueError("a cache keeps at least one entry, for more than no time")
        self._entries = entries
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._loading: dict[Key, asyncio.Event] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Value | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        expires, value = kept
        if expires <= self._clock():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        self._kept[key] = (self._clock() + self._seconds, value)
        self._kept.move_to_end(key)
        if len(self._kept) > self._entries:
            self._kept.popitem(last=False)

    def forget(self, key: Key) -> None:
        self._kept.pop(key, None)
        self._loading.pop(key, None)

    def clear(self) -> None:
        self._kept.clear()
        self._loading.clear()

    async def get_or_load(
        self, key: Key, load: Callable[[], Awaitable[Value]], *, keep: Callable[[Value], bool] = lambda _: True
    ) -> Value:
        """The value kept for a key, loaded when there is none, and kept if `keep` says so.

        Who asks while it is loading waits for that. A failed load keeps nothing, and the next who waits loads; nor is
        kept what was forgotten while it was loading, because it may have been read before it changed.
        """
        while (kept := self.get(key)) is None:
            others = self._loading.get(key)
            if others is None:
                return await self._load(key, load, keep)
            await others.wait()
        return kept

    async def _load(self, key: Key, load: Callable[[], Awaitable[Value]], keep: Callable[[Value], bool]) -> Value:
        loaded = self._loading[key] = asyncio.Event()
        try:
            value = await load()
            if self._loading.get(key) is loaded and keep(value):
                self.put(key, value)
            return value
        finally:
            if self._loading.get(key) is loaded:
                del self._loading[key]
            loaded.set()
