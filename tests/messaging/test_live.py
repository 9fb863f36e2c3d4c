"""Live bells on a real database: told by another process's transaction, over a lost connection, until sign-out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text, update

from academe.identity.models import AccountSession
from academe.messaging.notifications.live import LiveBells
from academe.messaging.notifications.service import Notice, mark_all_read, notify
from academe.messaging.types import NotificationKind
from academe.platform import clock
from academe.platform.actor import Actor, ActorKind, system_actor
from academe.platform.database.session import Database
from academe.platform.ids import new_id
from tests.schools import School, build_two_schools

pytestmark = pytest.mark.anyio

SYSTEM = system_actor("test")


@pytest.fixture
async def home(own_database: Database) -> School:
    """A school that is committed, so that connections see each other's doings."""
    async with own_database.transaction(SYSTEM) as session:
        return (await build_two_schools(session)).home


@pytest.fixture
async def student(own_database: Database, home: School) -> Actor:
    """A student with a browser's session."""
    session_id = new_id()
    async with own_database.transaction(SYSTEM) as session:
        session.add(
            AccountSession(
                id=session_id,
                account_id=home.accounts["student0"].id,
                token_hash=b"x" * 32,
                expires_at=clock.now() + timedelta(hours=1),
            )
        )
    person = home.people["student0"]
    return Actor(ActorKind.PERSON, person.display_name, person.id, (), session_id)


async def tell(database: Database, *people: UUID, title: str = "Told") -> None:
    async with database.transaction(SYSTEM) as session:
        await notify(session, actor=SYSTEM, notice=Notice(NotificationKind.SYSTEM, title), receivers=people)


async def next_count(stream: AsyncIterator[str], *, seconds: float = 10) -> int:
    """The next number that a stream tells; heartbeats are passed over."""

    async def wait() -> int:
        async for event in stream:
            if event.startswith("event: unread"):
                return int(event.partition("data: ")[2])
        raise AssertionError("the stream has ended")

    return await asyncio.wait_for(wait(), seconds)


async def listening(bells: LiveBells) -> None:
    await asyncio.wait_for(bells.listening.wait(), 10)


async def test_it_tells_the_count_and_every_change(own_database: Database, home: School, student: Actor) -> None:
    bells = LiveBells(lambda: own_database)
    assert student.person_id is not None
    async with aclosing(bells.stream(student)) as stream:
        assert await next_count(stream) == 0
        await listening(bells)
        await tell(own_database, student.person_id, home.people["student1"].id)
        assert await next_count(stream) == 1
        async with own_database.transaction(student) as session:
            await mark_all_read(session, actor=student)
        assert await next_count(stream) == 0


async def test_many_processes_hear_and_only_whom_it_concerns(
    own_database: Database, home: School, student: Actor
) -> None:
    first, second = LiveBells(lambda: own_database), LiveBells(lambda: own_database)
    other = home.actor("student1")
    assert student.person_id is not None
    async with (
        aclosing(first.stream(student)) as one,
        aclosing(second.stream(student)) as two,
        aclosing(second.stream(other)) as third,
    ):
        assert [await next_count(stream) for stream in (one, two, third)] == [0, 0, 0]
        await listening(first)
        await listening(second)
        await tell(own_database, student.person_id)
        assert [await next_count(stream) for stream in (one, two)] == [1, 1]
        with pytest.raises(TimeoutError):
            await next_count(third, seconds=0.5)


async def test_a_lost_connection_is_made_again_and_nothing_missed(own_database: Database, student: Actor) -> None:
    bells = LiveBells(lambda: own_database)
    assert student.person_id is not None
    async with aclosing(bells.stream(student, heartbeat_seconds=60)) as stream:
        assert await next_count(stream) == 0
        await listening(bells)
        async with own_database.transaction(SYSTEM) as session:
            cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = :name"
            name = "academe-bells"
            here = " AND datname = current_database()"
            assert (await session.execute(text(cut + here), {"name": name})).scalar_one() == 1
        await tell(own_database, student.person_id)
        assert await next_count(stream) == 1


async def test_it_ends_with_the_session(own_database: Database, student: Actor) -> None:
    bells = LiveBells(lambda: own_database)
    async with aclosing(bells.stream(student, heartbeat_seconds=0.1)) as stream:
        assert await next_count(stream) == 0
        async with own_database.transaction(SYSTEM) as session:
            ended = update(AccountSession).where(AccountSession.id == student.session_id)
            await session.execute(ended.values(revoked_at=clock.now()))
        async with asyncio.timeout(5):
            assert [event async for event in stream if "data" in event] == []


async def test_it_ends_when_the_server_stops(own_database: Database, student: Actor) -> None:
    bells = LiveBells(lambda: own_database)
    async with aclosing(bells.stream(student)) as stream:
        assert await next_count(stream) == 0
        bells.stop()
        async with asyncio.timeout(5):
            assert [event async for event in stream] == []


async def test_nobody_listens_when_nobody_watches(own_database: Database, student: Actor) -> None:
    bells = LiveBells(lambda: own_database)
    async with aclosing(bells.stream(student)) as stream:
        assert await next_count(stream) == 0
        await listening(bells)
    await asyncio.sleep(0.1)
    assert not bells.listening.is_set()
