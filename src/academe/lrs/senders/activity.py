"""What senders do, counted by the minute: in memory with each request, in the database every few seconds.

A request costs an addition. The sums go to the database after an answer was sent, at most every five seconds, with
whichever request comes next; while the database cannot be reached they wait.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.embedded import EmbeddedServerError
from academe.platform.database.session import Database, Session
from academe.platform.errors import ServiceUnavailableError
from academe.platform.logging import get_logger

NOBODY_KNOWN: Final = UUID(int=0)
"""Stands for the sender of requests whose credentials do not hold."""

KEPT: Final = timedelta(days=8)
"""How long minutes are kept."""

_ACTOR: Final = system_actor("count what senders do")
_EVERY_SECONDS: Final = 5.0
_AFTER_FAULT_SECONDS: Final = 30.0
_FORGET_EVERY_SECONDS: Final = 3600.0
_SUMS_AT_MOST: Final = 10_000
_UNREACHABLE: Final = (DBAPIError, NoConnectionError, ServiceUnavailableError, EmbeddedServerError, OSError)

# In the order of the key, so that processes that write at once never wait for each other in a circle.
_ADD: Final = text(
    "INSERT INTO xapi_sender_minute AS m (minute, sender_id, requests, statements, refused, failed)"
    " VALUES (:minute, :sender_id, :requests, :statements, :refused, :failed)"
    " ON CONFLICT (minute, sender_id) DO UPDATE SET requests = m.requests + excluded.requests,"
    " statements = m.statements + excluded.statements, refused = m.refused + excluded.refused,"
    " failed = m.failed + excluded.failed"
)
_FORGET: Final = text("DELETE FROM xapi_sender_minute WHERE minute < :before")

_Key = tuple[int, UUID]


class SenderActivity:
    """The sums of one process. Not for use from several threads."""

    def __init__(self, database: Callable[[], Database], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._sums: dict[_Key, list[int]] = {}
        self._due = monotonic() + _EVERY_SECONDS
        self._forget_due = monotonic()
        self._writing = False

    def note(self, sender_id: UUID | None, status: int, statements: int) -> None:
        """Count a request by the status of its answer and the statements that it stored."""
        key = (int(clock.now().timestamp()) // 60, sender_id or NOBODY_KNOWN)
        sums = self._sums.get(key)
        if sums is None:
            if len(self._sums) >= _SUMS_AT_MOST:
                return  # the database has been away for days: figures are worth no more memory
            sums = self._sums[key] = [0, 0, 0, 0]
        sums[0] += 1
        sums[1] += statements
        sums[2] += 400 <= status < 500
        sums[3] += status >= 500

    async def write_when_due(self) -> None:
        """Write the sums if the last time is long enough ago; raises nothing when the database cannot be reached."""
        if not self._sums or self._writing or self._monotonic() < self._due:
            return
        self._writing = True
        sums, self._sums = self._sums, {}
        try:
            await self._database().run(_ACTOR, lambda session: self._write(session, sums))
            self._due = self._monotonic() + _EVERY_SECONDS
        except _UNREACHABLE as error:
            self._put_back(sums)
            self._due = self._monotonic() + _AFTER_FAULT_SECONDS
            get_logger().warning("xapi.sender_activity_waits", error=type(error).__name__)
        except BaseException:
            self._put_back(sums)
            raise
        finally:
            self._writing = False

    async def _write(self, session: Session, sums: dict[_Key, list[int]]) -> None:
        await session.execute(_ADD, _rows(sums))
        now = self._monotonic()
        if now >= self._forget_due:
            await session.execute(_FORGET, {"before": clock.now() - KEPT})
            self._forget_due = now + _FORGET_EVERY_SECONDS

    def _put_back(self, sums: dict[_Key, list[int]]) -> None:
        for key, counted in sums.items():
            since = self._sums.get(key, [0, 0, 0, 0])
            self._sums[key] = [before + after for before, after in zip(counted, since, strict=True)]


def _rows(sums: dict[_Key, list[int]]) -> Sequence[dict[str, Any]]:
    names = ("requests", "statements", "refused", "failed")
    return [
        {
            "minute": datetime.fromtimestamp(minute * 60, UTC),
            "sender_id": sender_id,
            **dict(zip(names, counted, strict=True)),
        }
        for (minute, sender_id), counted in sorted(sums.items())
    ]
