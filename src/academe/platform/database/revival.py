"""Starts the embedded server again when it went away under a running process."""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import Dialect, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only


def revive_before_connecting(engine: AsyncEngine, ensure_running: Callable[[], None]) -> None:
    """Let a connection that cannot be made bring the server back and try once more.

    Any number of connections and processes may be at it at once: `ensure_running` lets them take turns. It waits for
    crash recovery, in a thread, so that the rest of the process goes on.
    """

    def connect(
        dialect: Dialect, _record: ConnectionPoolEntry, arguments: list[Any], keywords: dict[str, Any]
    ) -> DBAPIConnection:
        try:
            return dialect.connect(*arguments, **keywords)
        except dialect.loaded_dbapi.OperationalError:
            await_only(asyncio.to_thread(ensure_running))
            return dialect.connect(*arguments, **keywords)

    event.listen(engine.sync_engine, "do_connect", connect)
