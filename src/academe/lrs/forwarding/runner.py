"""The worker's part: every forward that has something to do gets its turn, each in one worker at a time."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from academe.lrs.forwarding import batches, progress
from academe.lrs.forwarding.batches import Task, Waiting
from academe.lrs.forwarding.delivery import Failure, Outcome, Sending
from academe.lrs.statements.attachments import read_attachment
from academe.platform.actor import system_actor
from academe.platform.database.session import Database, is_away, is_transient
from academe.platform.errors import AcademeError
from academe.platform.logging import get_logger

ACTOR: Final = system_actor("forward statements")

_MEBIBYTE: Final = 2**20
_AT_ONCE: Final = 8
"""Forwards of one worker that send at the same time; each holds up to two connections to the database."""

_TURN_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.5
_PAUSE_AFTER_FAULT_SECONDS: Final = 5.0
_END_SECONDS: Final = 5.0

_DUE: Final = text(
    """
    SELECT p.forward_id FROM xapi_forward_progress p
    WHERE p.paused_at IS NULL AND (p.next_attempt_at IS NULL OR p.next_attempt_at <= clock_timestamp())
      AND (EXISTS (SELECT FROM xapi_statement s WHERE s.stored > p.position)
        OR EXISTS (SELECT FROM xapi_forward_letter l WHERE l.forward_id = p.forward_id AND l.again_at IS NOT NULL))
    ORDER BY p.delivered_at NULLS FIRST
    """
)
_TRY_LOCK: Final = text("SELECT pg_try_advisory_xact_lock(:key)")
_STAY_OPEN: Final = text("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")


async def forward_statements(database: Database, stopping: asyncio.Event) -> None:
    """Send what is to be sent until `stopping`; a database that is away is waited for."""
    running: dict[UUID, asyncio.Task[None]] = {}
    while not stopping.is_set():
        pause = _PAUSE_SECONDS
        try:
            async with database.transaction(ACTOR) as session:
                due = list((await session.scalars(_DUE)).all())
        except Exception as error:  # noqa: BLE001 - the loop must outlive whatever befalls one look
            due, pause = [], _pause_after(error)
        running = {forward_id: task for forward_id, task in running.items() if not task.done()}
        for forward_id in due:
            if forward_id not in running and len(running) < _AT_ONCE:
                turn = _turn(database, forward_id, stopping)
                running[forward_id] = asyncio.create_task(turn, name=f"forward {forward_id}")
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), timeout=pause)
    if running:
        _, late = await asyncio.wait(running.values(), timeout=_END_SECONDS)
        for task in late:
            task.cancel()  # what was sent without an answer is sent again
        await asyncio.gather(*late, return_exceptions=True)


async def take_turn(database: Database, forward_id: UUID, stopping: asyncio.Event | None = None) -> bool:
    """Send for one forward until it has nothing more to do now; False when another worker has it.

    A turn ends after half a minute, so that a worker with many forwards comes round to all of them.
    """
    key = int.from_bytes(blake2b(b"forward" + forward_id.bytes, digest_size=8).digest(), signed=True)
    async with database.transaction(ACTOR, timeout_seconds=0) as holding:
        # The lock ends with this transaction, whatever happens to the process; nothing else is done in it.
        if not await holding.scalar(_TRY_LOCK, {"key": key}):
            return False
        await holding.execute(_STAY_OPEN)
        sending = Sending(database.settings, reload=partial(_reload, database), contents=partial(_content, database))
        try:
            end = time.monotonic() + _TURN_SECONDS
            while (stopping is None or not stopping.is_set()) and time.monotonic() < end:
                if not await step(database, sending, forward_id):
                    break
        finally:
            await sending.close()
    return True


async def step(database: Database, sending: Sending, forward_id: UUID) -> bool:
    """Read, send, note; whether there is more to do right away."""
    settings = database.settings
    most, limit_bytes = settings.xapi_forward_statements, settings.xapi_forward_mebibytes * _MEBIBYTE
    async with database.transaction(ACTOR) as session:
        task = await batches.next_task(session, forward_id, most=most, limit_bytes=limit_bytes)
    if task is None:
        return False
    outcome = await _delivered(sending, task)
    async with database.transaction(ACTOR) as session:
        await progress.note(session, ACTOR, task, outcome, most=most)
    if outcome.failure is not None:
        get_logger().warning("xapi.forward_waits", forward=str(forward_id), reason=outcome.failure.words)
    return outcome.failure is None and task.more


async def _delivered(sending: Sending, task: Task) -> Outcome:
    try:
        return await sending.deliver(task)
    except AcademeError as error:
        # Files of attachments that cannot be read now: nothing of it is the other store's fault.
        get_logger().error("xapi.forward_failed_here", forward=str(task.forward_id), exc_info=error)
        words = f"An attachment cannot be read here: {error.title}"
        return Outcome(task.after, refused_in_row=task.refused_in_row, failure=Failure(words, shrink=True))


async def _turn(database: Database, forward_id: UUID, stopping: asyncio.Event) -> None:
    try:
        await take_turn(database, forward_id, stopping)
    except progress.OvertakenError:
        get_logger().info("xapi.forward_overtaken", forward=str(forward_id))
    except Exception as error:  # noqa: BLE001 - one forward must not end the others
        await asyncio.sleep(_pause_after(error, forward=str(forward_id)))


def _pause_after(error: Exception, **about: str) -> float:
    """Note what befell a turn or the look for one; returns the seconds until the next."""
    if is_away(error) or (isinstance(error, DBAPIError) and is_transient(error)):
        # Nothing is wrong with the forwards: as soon as the database is back, they go on.
        get_logger().warning("xapi.forwarding_waits", error=type(error).__name__, **about)
        return _PAUSE_SECONDS
    get_logger().error("xapi.forwarding_failed", exc_info=error, **about)
    return _PAUSE_AFTER_FAULT_SECONDS


async def _reload(database: Database, statements: Sequence[Waiting]) -> list[Waiting]:
    async with database.transaction(ACTOR) as session:
        return await batches.anew(session, statements)


async def _content(database: Database, sha2: str, institution_id: UUID | None) -> tuple[bytes, str] | None:
    return await read_attachment(database, sha2, institution_id=institution_id)
