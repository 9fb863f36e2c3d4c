"""A fact committed is a fact delivered: at least once, and each receiver's part exactly once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, text, update

from academe.platform.actor import Actor, ActorKind, system_actor
from academe.platform.clock import now
from academe.platform.database.session import Database, Session
from academe.platform.errors import NotFoundError
from academe.platform.jobs.models import Job
from academe.platform.jobs.runner import TryAgainError
from academe.platform.outbox import delivery, service
from academe.platform.outbox.delivery import count_parked, deliver, forget_delivered, unpark
from academe.platform.outbox.models import OutboxMessage, OutboxReceipt
from academe.platform.outbox.service import Fact, announce, receives, receives_together
from academe.worker import make_queue

pytestmark = pytest.mark.anyio

SYSTEM = system_actor("test")


class Reason(StrEnum):
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class LanternLit(Fact):
    KIND: ClassVar[str] = "test.lantern_lit"
    lantern_id: UUID
    on: date
    reason: Reason = Reason.MOVED


FACT = LanternLit(uuid4(), date(2013, 10, 5))


@pytest.fixture(autouse=True)
def _no_other_receivers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_receivers", {})


async def announce_one(database: Database, actor: Actor = SYSTEM) -> UUID:
    async with database.transaction(actor) as session:
        await announce(session, FACT)
    async with database.reading(SYSTEM) as session:
        newest = select(OutboxMessage.id).order_by(OutboxMessage.id.desc()).limit(1)
        return (await session.execute(newest)).scalar_one()


async def message(database: Database, message_id: UUID) -> OutboxMessage:
    async with database.reading(SYSTEM) as session:
        return (await session.execute(select(OutboxMessage).where(OutboxMessage.id == message_id))).scalar_one()


async def write_down(session: Session, name: str) -> None:
    """A receiver's part: a row that shows how often it was done."""
    values: dict[str, Any] = {"id": uuid4(), "kind": name, "title": name, "arguments": {}, "actor": {}}
    await session.execute(insert(Job).values(values))


async def written(database: Database, name: str) -> int:
    async with database.reading(SYSTEM) as session:
        return (await session.execute(select(func.count()).where(Job.kind == name))).scalar_one()


def receiver(name: str, *, fails: int = 0) -> list[Fact]:
    """Register a receiver that writes itself down and then fails so many times; returns what it got."""
    got: list[Fact] = []

    @receives(LanternLit, name)
    async def receive(session: Session, fact: LanternLit) -> None:
        got.append(fact)
        await write_down(session, name)
        if len(got) <= fails:
            raise RuntimeError(f"{name} is not well")

    return got


class TestAnnounce:
    async def test_goes_with_a_transaction_that_fails(self, own_database: Database) -> None:
        async def announce_and_fail() -> None:
            async with own_database.transaction(SYSTEM) as session:
                await announce(session, FACT)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await announce_and_fail()
        async with own_database.reading(SYSTEM) as session:
            assert (await session.execute(select(func.count()).select_from(OutboxMessage))).scalar_one() == 0
            assert (await session.execute(text("SELECT count(*) FROM procrastinate_jobs"))).scalar_one() == 0

    async def test_a_person_announces_but_does_not_read(self, own_database: Database) -> None:
        actor = Actor(ActorKind.PERSON, "Ada Example", uuid4())
        await announce_one(own_database, actor)
        async with own_database.reading(actor) as session:
            assert (await session.execute(select(func.count()).select_from(OutboxMessage))).scalar_one() == 0

    async def test_two_receivers_of_one_name_are_refused(self) -> None:
        receiver("first")
        with pytest.raises(ValueError, match="two receivers called first"):
            receiver("first")


class TestDeliver:
    async def test_every_receiver_gets_the_fact_as_it_was(self, own_database: Database) -> None:
        first, second = receiver("first"), receiver("second")
        message_id = await announce_one(own_database)
        await deliver(own_database, message_id)
        assert first == second == [FACT]
        assert (await message(own_database, message_id)).delivered_at is not None

    async def test_a_second_delivery_does_nothing(self, own_database: Database) -> None:
        first = receiver("first")
        message_id = await announce_one(own_database)
        await deliver(own_database, message_id)
        await deliver(own_database, message_id)
        async with own_database.transaction(SYSTEM) as session:
            await session.execute(update(OutboxMessage).values(delivered_at=None))
        await deliver(own_database, message_id)
        assert first == [FACT]

    async def test_two_deliveries_at_once_reach_a_receiver_once(self, own_database: Database) -> None:
        @receives(LanternLit, "slow")
        async def slow(session: Session, fact: LanternLit) -> None:
            await write_down(session, "slow")
            await asyncio.sleep(0.2)

        message_id = await announce_one(own_database)
        await asyncio.gather(*(deliver(own_database, message_id) for _ in range(4)))
        assert await written(own_database, "slow") == 1

    async def test_facts_that_agree_are_received_together(self, own_database: Database) -> None:
        got: list[list[UUID]] = []

        @receives_together(LanternLit, "gathering", by="on")
        async def gather(session: Session, facts: Sequence[LanternLit]) -> None:
            got.append([fact.lantern_id for fact in facts])
            await write_down(session, "gathering")

        lit = [LanternLit(uuid4(), day) for day in (FACT.on, FACT.on, date(2013, 10, 6), FACT.on)]
        async with own_database.transaction(SYSTEM) as session:
            for fact in lit:
                await announce(session, fact)
        async with own_database.reading(SYSTEM) as reading:
            waiting = (await reading.scalars(select(OutboxMessage.id).order_by(OutboxMessage.id))).all()
        await asyncio.gather(*(deliver(own_database, message_id) for message_id in waiting))
        assert sorted(map(sorted, got)) == sorted(
            [sorted(fact.lantern_id for fact in lit if fact.on == FACT.on), [lit[2].lantern_id]]
        )
        assert await written(own_database, "gathering") == 2
        assert all([(await message(own_database, each)).delivered_at for each in waiting])

    async def test_what_fails_together_comes_again_together(self, own_database: Database) -> None:
        got: list[int] = []

        @receives_together(LanternLit, "gathering", by="on")
        async def gather(session: Session, facts: Sequence[LanternLit]) -> None:
            got.append(len(facts))
            await write_down(session, "gathering")
            if len(got) == 1:
                raise RuntimeError("not well")

        first, second = await announce_one(own_database), await announce_one(own_database)
        with pytest.raises(TryAgainError):
            await deliver(own_database, first)
        await deliver(own_database, second)
        await deliver(own_database, first)
        assert got == [2, 2]
        assert await written(own_database, "gathering") == 1

    async def test_a_failing_receiver_leaves_nothing_and_keeps_nothing_from_others(
        self, own_database: Database
    ) -> None:
        receiver("ill", fails=1)
        well = receiver("well")
        message_id = await announce_one(own_database)
        with pytest.raises(TryAgainError):
            await deliver(own_database, message_id)
        assert (await written(own_database, "ill"), await written(own_database, "well")) == (0, 1)
        assert (await message(own_database, message_id)).error == "ill: RuntimeError: ill is not well"
        await deliver(own_database, message_id)
        assert (await written(own_database, "ill"), len(well)) == (1, 1)
        delivered = await message(own_database, message_id)
        assert (delivered.error, delivered.attempts) == (None, 2)

    async def test_ended_between_the_receiver_and_its_commit_the_part_is_done_again(
        self, own_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        got = receiver("first")
        message_id = await announce_one(own_database)

        async def die(session: Session) -> None:
            if got:
                raise asyncio.CancelledError

        with monkeypatch.context() as patch:
            patch.setattr(Session, "finish", die)
            with pytest.raises(asyncio.CancelledError):
                await deliver(own_database, message_id)
        assert await written(own_database, "first") == 0
        await deliver(own_database, message_id)
        assert (await written(own_database, "first"), len(got)) == (1, 2)

    async def test_ended_between_two_receivers_only_the_second_is_called_again(self, own_database: Database) -> None:
        first = receiver("first")
        calls = []

        @receives(LanternLit, "second")
        async def second(session: Session, fact: LanternLit) -> None:
            calls.append(fact)
            if len(calls) == 1:
                raise asyncio.CancelledError

        message_id = await announce_one(own_database)
        with pytest.raises(asyncio.CancelledError):
            await deliver(own_database, message_id)
        await deliver(own_database, message_id)
        assert (len(first), len(calls)) == (1, 2)
        assert (await message(own_database, message_id)).delivered_at is not None


class TestParked:
    async def test_a_receiver_that_keeps_failing_parks_the_message_with_its_error(self, own_database: Database) -> None:
        receiver("ill", fails=100)
        message_id = await announce_one(own_database)
        for _ in range(delivery.ATTEMPTS - 1):
            with pytest.raises(TryAgainError):
                await deliver(own_database, message_id)
        await deliver(own_database, message_id)
        parked = await message(own_database, message_id)
        assert (parked.parked_at is not None, parked.attempts) == (True, delivery.ATTEMPTS)
        assert parked.error == "ill: RuntimeError: ill is not well"
        assert await count_parked(own_database) == 1

    async def test_it_is_delivered_once_the_receiver_is_well(self, own_database: Database) -> None:
        receiver("ill", fails=delivery.ATTEMPTS)
        message_id = await announce_one(own_database)
        for _ in range(delivery.ATTEMPTS - 1):
            with pytest.raises(TryAgainError):
                await deliver(own_database, message_id)
        await deliver(own_database, message_id)
        await unpark(own_database, message_id)
        await deliver(own_database, message_id)
        assert (await message(own_database, message_id)).delivered_at is not None

    async def test_what_is_not_parked_is_not_unparked(self, own_database: Database) -> None:
        message_id = await announce_one(own_database)
        with pytest.raises(NotFoundError):
            await unpark(own_database, message_id)


class TestWorker:
    async def test_a_worker_delivers_what_was_announced(self, own_database: Database) -> None:
        got = receiver("first")
        await announce_one(own_database)
        await make_queue(own_database).run(until_empty=True)
        assert got == [FACT]


async def test_delivered_messages_are_forgotten_after_a_while(own_database: Database) -> None:
    receiver("first")
    for _ in range(2):
        await deliver(own_database, await announce_one(own_database))
    async with own_database.transaction(SYSTEM) as session:
        oldest = select(func.min(OutboxMessage.announced_at)).scalar_subquery()
        await session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.announced_at == oldest)
            .values(delivered_at=now() - timedelta(days=40))
        )
    await forget_delivered(own_database)
    async with own_database.reading(SYSTEM) as session:
        assert (await session.execute(select(func.count()).select_from(OutboxReceipt))).scalar_one() == 1
