"""The wait for the disk, shared: one for all that was stored before it, while the next group is stored.

A group is committed without that wait (`synchronous_commit` off), so the line of writers moves on at once. Another
transaction then waits: when its commit is on the disk, so is everything before it in the write-ahead log. Less is there
only if the server went down in between; the one that came up knows nothing of what was lost, and would flush well. So
the flush looks for the statement too: what its session sees is on the disk when that session has flushed.
"""

import asyncio
from datetime import datetime
from typing import Final

from academe.platform.actor import Actor
from academe.platform.database.driver import DriverStatement
from academe.platform.database.session import Database

# The message makes the commit one that has something to write, and is read by nobody.
FLUSH: Final = DriverStatement(
    """
    SELECT EXISTS (SELECT FROM xapi_statement WHERE stored = %(stored)s)
    FROM pg_logical_emit_message(true, 'academe.xapi', '')
    """,
    operation="flush",
    table="xapi_statement",
)


class Flush:
    """The flushes of one process, one after the other."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self._database = database
        self._actor = actor
        self._running: asyncio.Task[bool] | None = None

    async def begin(self, stored: datetime) -> "asyncio.Task[bool]":
        """Begin a flush when the one before has ended, by which requests gather as long as the disk takes.

        The task says whether the statement stored then is on the disk; it raises what the database raises.
        """
        while self._running is not None and not self._running.done():
            await asyncio.wait([self._running])
        self._running = asyncio.create_task(self._is_lasting(stored), name="xapi flush")
        return self._running

    async def _is_lasting(self, stored: datetime) -> bool:
        rows = await self._database.at_once(self._actor, [(FLUSH, {"stored": stored})])
        return bool(rows[0][0])
