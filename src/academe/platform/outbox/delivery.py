"""Delivers a fact: every receiver in a transaction of its own, until each has its receipt or one failed too often."""

import logging
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, delete, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from academe.platform.actor import system_actor
from academe.platform.clock import now
from academe.platform.database.session import Database
from academe.platform.errors import NotFoundError
from academe.platform.jobs.runner import TryAgainError, backoff_seconds
from academe.platform.jobs.service import defer
from academe.platform.outbox.models import OutboxMessage, OutboxReceipt
from academe.platform.outbox.service import DELIVERY_TASK, Registered, fact_from, receivers_of

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 8
"""Deliveries of one message before it is parked: with the growing waits, about three hours."""

_TAKE_TURN: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:turn, 0))")

COURIER: Final = system_actor("delivery of facts")


async def deliver(database: Database, message_id: UUID) -> None:
    """Give a message to every receiver that has no receipt for it. Raises TryAgainError while one of them fails.

    The failure of one receiver does not keep the message from the others.
    """
    async with database.transaction(COURIER) as session:
        message = await session.get(OutboxMessage, message_id)
    if message is None or message.delivered_at is not None or message.parked_at is not None:
        return
    failures = []
    for name, receiver in receivers_of(message.kind).items():
        try:
            await _hand_over(database, message, name, receiver)
        except Exception as error:
            logger.exception("receiver %s failed with message %s (%s)", name, message_id, message.kind)
            failures.append(f"{name}: {type(error).__name__}: {error}")
    attempts = message.attempts + 1
    values: dict[str, Any] = {"attempts": attempts, "error": "\n".join(failures) or None}
    if not failures:
        values["delivered_at"] = now()
    elif attempts >= ATTEMPTS:
        values["parked_at"] = now()
    async with database.transaction(COURIER) as session:
        await session.execute(update(OutboxMessage).where(OutboxMessage.id == message_id).values(values))
    if failures and attempts < ATTEMPTS:
        raise TryAgainError(backoff_seconds(attempts))


async def _hand_over(database: Database, message: OutboxMessage, name: str, receiver: Registered) -> None:
    async with database.transaction(COURIER) as session:
        chosen = OutboxMessage.id == message.id
        if receiver.by is not None:
            value = message.payload[receiver.by]
            await session.execute(_TAKE_TURN, {"turn": f"{name} {value}"})
            agreeing = (OutboxMessage.kind == message.kind, OutboxMessage.payload[receiver.by].astext == str(value))
            waiting = and_(OutboxMessage.delivered_at.is_(None), OutboxMessage.parked_at.is_(None), *agreeing)
            chosen = or_(chosen, waiting)
        asked = select(OutboxMessage.id, literal(name)).where(chosen).order_by(OutboxMessage.id)
        receipts = insert(OutboxReceipt).from_select(["message_id", "receiver"], asked).on_conflict_do_nothing()
        # A delivery of the same message elsewhere is waited for here; its receipt then makes this one unnecessary.
        taken = (await session.scalars(receipts.returning(OutboxReceipt.message_id))).all()
        if not taken:
            return
        given = select(OutboxMessage.payload).where(OutboxMessage.id.in_(taken)).order_by(OutboxMessage.id)
        payloads = [message.payload] if receiver.by is None else (await session.scalars(given)).all()
        await receiver.function(session, [fact_from(receiver.fact, payload) for payload in payloads])


async def unpark(database: Database, message_id: UUID) -> None:
    """Deliver a parked message again, from the first attempt. Raises NotFoundError when it is not parked."""
    async with database.transaction(COURIER) as session:
        parked = (OutboxMessage.id == message_id, OutboxMessage.parked_at.is_not(None))
        found = await session.execute(
            update(OutboxMessage).where(*parked).values(parked_at=None, attempts=0).returning(OutboxMessage.id)
        )
        if found.first() is None:
            raise NotFoundError("No message is parked under this id.")
        await defer(session, DELIVERY_TASK, arguments=f'{{"message_id": "{message_id}"}}')


async def count_parked(database: Database) -> int:
    """How many messages wait for somebody to look at their error."""
    async with database.reading(COURIER) as session:
        parked = select(func.count()).select_from(OutboxMessage).where(OutboxMessage.parked_at.is_not(None))
        return (await session.execute(parked)).scalar_one()


async def forget_delivered(database: Database, *, older_than: timedelta = timedelta(days=30)) -> None:
    """Remove the messages that were delivered longer ago than `older_than`, with their receipts."""
    async with database.transaction(COURIER, timeout_seconds=300) as session:
        await session.execute(delete(OutboxMessage).where(OutboxMessage.delivered_at < now() - older_than))
