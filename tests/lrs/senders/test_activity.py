"""What senders do is counted by the minute, and waits while the database is away."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from academe.lrs.senders.activity import KEPT, NOBODY_KNOWN, SenderActivity
from academe.platform import clock
from academe.platform.database.embedded import DiskFullError
from academe.platform.database.session import Database, Session
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)


class Seconds:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def rows(session: Session) -> Sequence[tuple[Any, ...]]:
    found = await session.execute(
        text(
            "SELECT minute, sender_id, requests, statements, refused, failed FROM xapi_sender_minute"
            " ORDER BY minute, sender_id"
        )
    )
    return [tuple(row) for row in found.all()]


async def test_sums_are_added_to_those_of_other_processes(database: JoinedDatabase, session: Session) -> None:
    seconds, sender = Seconds(), uuid4()
    one, other = (SenderActivity(lambda: database, monotonic=seconds) for _ in range(2))
    with clock.frozen(NOON):
        one.note(sender, 200, 50)
        one.note(sender, 400, 0)
        one.note(None, 401, 0)
        other.note(sender, 503, 0)
        await one.write_when_due()
        assert await rows(session) == []
        seconds.now = 5.0
        await one.write_when_due()
        await other.write_when_due()
        await one.write_when_due()
    minute = NOON.replace(second=0)
    assert await rows(session) == [(minute, NOBODY_KNOWN, 1, 0, 1, 0), (minute, sender, 3, 50, 1, 1)]


async def test_old_minutes_are_forgotten(database: JoinedDatabase, session: Session) -> None:
    seconds, sender = Seconds(), uuid4()
    activity = SenderActivity(lambda: database, monotonic=seconds)
    with clock.frozen(NOON - KEPT - timedelta(minutes=2)):
        activity.note(sender, 200, 1)
    with clock.frozen(NOON):
        activity.note(sender, 200, 1)
        seconds.now = 10.0
        await activity.write_when_due()
    assert [row[0] for row in await rows(session)] == [NOON.replace(second=0)]


@pytest.mark.parametrize("error", [OperationalError("", None, Exception("away")), DiskFullError("No room to start.")])
async def test_sums_wait_while_the_database_is_away(
    database: JoinedDatabase, session: Session, error: Exception
) -> None:
    seconds, sender = Seconds(), uuid4()
    is_away = True

    def asked() -> Database:
        if is_away:
            raise error
        return database

    activity = SenderActivity(asked, monotonic=seconds)
    with clock.frozen(NOON):
        activity.note(sender, 204, 1)
        seconds.now = 6.0
        await activity.write_when_due()
        activity.note(sender, 204, 1)
        is_away = False
        seconds.now = 35.0
        await activity.write_when_due()
        assert await rows(session) == []
        seconds.now = 36.0
        await activity.write_when_due()
    assert [row[2:4] for row in await rows(session)] == [(2, 2)]
