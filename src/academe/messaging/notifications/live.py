"""Live bells: one connection of a server process listens, and all its streams are woken by it.

A stream tells how many notifications are unread, first when it begins and then whenever that changes. It ends with the
session of the browser and when the server stops. While nobody can listen (the database is away, or a proxy pools
transactions), streams look for themselves with every heartbeat.
"""

import asyncio
import logging
import signal
import threading
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import FrameType
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from academe.identity.api import idle_since, session_is_open
from academe.messaging.notifications.queries import count_unread
from academe.messaging.notifications.service import CHANNEL
from academe.platform.actor import Actor
from academe.platform.database.embedded import EmbeddedServerError
from academe.platform.database.engine import APP_ROLE, database_url
from academe.platform.database.session import Database
from academe.platform.errors import ServiceUnavailableError
from academe.platform.settings import PoolKind

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 15.0
"""How often a stream says that it lives, and looks whether its session still stands."""

_GATHER_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = 2.0
_HEX: Final = 32
_UNREACHABLE: Final = (
    *(psycopg.Error, DBAPIError, NoConnectionError),
    *(ServiceUnavailableError, EmbeddedServerError, OSError),
)


class LiveBells:
    """The streams of one process and the connection that wakes them; it listens while there are streams."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._waiting: dict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self._stopping = False
        self.listening = asyncio.Event()
        """Set while changes are heard."""

    @contextmanager
    def watching(self, person_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set whenever the bell of a person may have changed; the caller clears it."""
        self._stop_with_the_server()
        woken = asyncio.Event()
        self._waiting[person_id].add(woken)
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen(), name="live bells")
        try:
            yield woken
        finally:
            self._waiting[person_id].discard(woken)
            if not self._waiting[person_id]:
                del self._waiting[person_id]
            if not self._waiting and self._listener is not None:
                self._listener.cancel()

    def stop(self) -> None:
        """End every stream; safe from a signal handler."""
        self._stopping = True
        self._wake_all()

    async def stream(self, actor: Actor, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> AsyncGenerator[str]:
        """The events of a person's stream (HTML Standard, "Server-sent events"): `unread` with the number as data."""
        if actor.person_id is None:
            return
        told: int | None = None
        with self.watching(actor.person_id) as woken:
            while not self._stopping:
                woken.clear()
                try:
                    unread = await self._unread(actor)
                except _UNREACHABLE:
                    unread = told  # the next heartbeat asks again
                else:
                    if unread is None:
                        return
                if unread != told:
                    told = unread
                    yield f"event: unread\ndata: {told}\n\n"
                try:
                    await asyncio.wait_for(woken.wait(), timeout=heartbeat_seconds)
                    await asyncio.sleep(_GATHER_SECONDS)  # what comes together is counted once
                except TimeoutError:
                    yield ": still here\n\n"

    async def _unread(self, actor: Actor) -> int | None:
        """How many are unread; None when the session has ended."""
        database = self._database()
        async with database.transaction(actor) as session:
            if actor.session_id is not None:
                idle: timedelta = idle_since(database.settings)
                if not await session_is_open(session, actor.session_id, idle=idle):
                    return None
            return await count_unread(session, actor.person_id) if actor.person_id else None

    async def _listen(self) -> None:
        while self._waiting and not self._stopping:
            try:
                await self._listen_once()
            except (*_UNREACHABLE, LookupError) as error:
                logger.warning("live bells lost the database: %s", type(error).__name__)
            finally:
                self.listening.clear()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen_once(self) -> None:
        settings = self._database().settings
        # The embedded server may have to be started first, which blocks.
        url = await asyncio.to_thread(database_url, settings)
        conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        connecting = psycopg.AsyncConnection.connect(
            conninfo,
            autocommit=True,
            application_name="academe-bells",
            connect_timeout=settings.database_connect_timeout_seconds,
        )
        async with await connecting as connection:
            if settings.database_pool is not PoolKind.NONE:  # a pooler would give the role to others, and hear nothing
                await connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(APP_ROLE)))
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            self.listening.set()
            self._wake_all()  # what happened meanwhile was not heard
            async for notification in connection.notifies():
                self._wake(notification.payload)

    def _wake(self, payload: str) -> None:
        for start in range(0, len(payload), _HEX):
            with suppress(ValueError):  # somebody else's words on the channel wake nobody
                for woken in self._waiting.get(UUID(payload[start : start + _HEX]), ()):
                    woken.set()

    def _wake_all(self) -> None:
        for several in self._waiting.values():
            for woken in several:
                woken.set()

    def _stop_with_the_server(self) -> None:
        """Hear of the signal that stops the server: it waits for running answers, and a stream would never end."""
        if getattr(self, "_heeding", False) or threading.current_thread() is not threading.main_thread():
            return
        self._heeding = True
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)

            def heed(received: int, frame: FrameType | None, before: Any = before) -> None:
                loop.call_soon_threadsafe(self.stop)
                if callable(before):
                    before(received, frame)

            if callable(before):
                signal.signal(number, heed)
