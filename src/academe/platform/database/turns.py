"""Taking turns at something that is soon done, without ever waiting long for somebody who is not soon done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Lets `at_once` in together; whoever has waited for `patience_seconds` goes in all the same.

    First come, first served. The patience keeps a few slow holders from holding up everybody else.
    """

    def __init__(self, at_once: int, *, patience_seconds: float) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._patience = patience_seconds

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn that lasts as long as the block."""
        has_place = await self._has_place()
        try:
            yield
        finally:
            if has_place:
                self._places.release()

    async def _has_place(self) -> bool:
        if not self._places.locked():
            return await self._places.acquire()
        try:
            async with asyncio.timeout(self._patience):
                return await self._places.acquire()
        except TimeoutError:
            return False
