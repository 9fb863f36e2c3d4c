"""The intake of one process: batches of many requests, stored in one transaction each time the one before has ended.

While a group is on its way to the disk, the batches that arrive wait, and go together in the next one: a commit costs
about as much for a hundred statements as for one. The next group is stored while the disk takes the one before
(`flush`). A batch is stored whole or not at all, whatever becomes of the others beside it.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from academe.lrs.statements.attachments import write_rows
from academe.lrs.statements.errors import IntakeFullError, StatementConflictError
from academe.lrs.statements.flush import FLUSH, Flush
from academe.lrs.statements.incoming import Batch, Incoming
from academe.lrs.statements.shared import Shared
from academe.lrs.statements.store import Known, known_among, store, store_at_once, take_turn
from academe.lrs.xapi.comparison import difference
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.embedded import EmbeddedServerError
from academe.platform.database.session import Database, is_away, is_disk_full, is_transient
from academe.platform.errors import AcademeError, ServiceUnavailableError
from academe.platform.logging import get_logger

ACTOR: Final = system_actor("lrs")

_MOST_STATEMENTS: Final = 2_000
_MOST_BYTES: Final = 8 * 2**20
_ATTEMPTS: Final = 3
_UNREACHABLE: Final = (
    *(OperationalError, InterfaceError, NoConnectionError),
    *(ServiceUnavailableError, EmbeddedServerError, OSError),
)


@dataclass(slots=True)
class _Waiting:
    """A batch and who waits for it."""

    batch: Batch
    done: "asyncio.Future[None]"


@dataclass(frozen=True, slots=True)
class _Stored:
    """What became of batches: why those that are refused were; `first` is set while the disk may yet lack them."""

    refused: Sequence[AcademeError | None]
    first: datetime | None = None


class Spool(Protocol):
    """Where batches are kept while the database is away (`lrs.spool`)."""

    async def takes(self, batches: Sequence[Batch], *, is_away: bool = False) -> bool:
        """Keep batches on the disk, if older ones wait there or the database `is_away`; False when not."""


class Intake:
    """Takes batches in and answers when they are stored for good, or kept for good in the `spool` where there is one.

    `limit_bytes` bounds the bodies that wait; with `grouped` off every batch has its own transaction. Belongs to one
    event loop.
    """

    def __init__(
        self, database: Database, *, limit_bytes: int, grouped: bool = True, spool: Spool | None = None
    ) -> None:
        self._database = database
        self._spool = spool
        self._limit = limit_bytes
        self._grouped = grouped
        self._most = _MOST_STATEMENTS if grouped else 1
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._shared = Shared()
        self._writer: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._flush = Flush(database, ACTOR)
        self._unflushed: set[asyncio.Task[None]] = set()
        self._in_flight: list[datetime] = []

    async def store(self, batch: Batch) -> None:
        """Store a batch; returns when it is on the disk.

        Raises StatementConflictError when an id is taken by another statement, IntakeFullError when too much waits, and
        ServiceUnavailableError when the database does not answer.
        """
        if not batch.statements:
            return
        if self._bytes and self._bytes + batch.size > self._limit:
            raise IntakeFullError
        waiting = _Waiting(batch, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._bytes += batch.size
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="xapi intake")
        try:
            await waiting.done
        finally:
            self._bytes -= batch.size

    def consistent_through(self) -> datetime:
        """Up to when everything that this process took in can be read."""
        now = clock.now()
        return min(now, self._in_flight[0] - timedelta(milliseconds=1)) if self._in_flight else now

    async def store_kept(self, batches: Sequence[Batch]) -> Sequence[AcademeError | None]:
        """Store batches that the spool kept, in one transaction; says of each why it was refused, or None.

        Each is stored or refused by itself. No two may name the same id. Raises what the database raises.
        """
        try:
            stored = await self._attempt(batches)
            if stored.first is not None and not await (await self._flush.begin(stored.first)):
                stored = await self._attempt(batches, again=True)
        except Exception:
            self._shared.forget()
            raise
        return stored.refused

    async def close(self) -> None:
        """Store what waits, and take nothing more."""
        if self._writer is not None:
            with suppress(asyncio.CancelledError):
                await self._writer
        while self._unflushed:
            await asyncio.wait(self._unflushed)

    async def _write(self) -> None:
        while self._waiting:
            group, began_at = self._next_group(), datetime.now(UTC)
            self._in_flight.append(began_at)
            first = None
            try:
                first = await self._store_group(group)
            finally:
                if first is None:
                    self._in_flight.remove(began_at)
            if first is not None:
                flush = await self._flush.begin(first)
                settling = asyncio.create_task(self._settle_when_flushed(group, began_at, flush), name="xapi settling")
                self._unflushed.add(settling)
                settling.add_done_callback(self._unflushed.discard)

    async def _settle_when_flushed(
        self, group: Sequence[_Waiting], began_at: datetime, flush: "asyncio.Task[bool]"
    ) -> None:
        """Answer when the disk has a group; when it may lack it, store the group once more, with the disk's word."""
        try:
            try:
                is_lasting = await flush
            except Exception as error:  # noqa: BLE001 - whoever waits is told what the next attempt meets
                get_logger().warning("xapi.not_flushed", error=type(error).__name__)
                is_lasting = False
            if is_lasting:
                for waiting in group:
                    _settle(waiting, None)
                return
            await self._store_group(group, again=True)
        finally:
            self._in_flight.remove(began_at)

    def _next_group(self) -> list[_Waiting]:
        """The batches that go next. Two that name the same id do not go together: the second must find the first."""
        group: list[_Waiting] = []
        ids: set[str] = set()
        statements = size = 0
        while self._waiting:
            batch = self._waiting[0].batch
            named = {one.id for one in batch.statements if one.is_named}
            statements, size = statements + len(batch.statements), size + batch.size
            if group and (statements > self._most or size > _MOST_BYTES or not ids.isdisjoint(named)):
                break
            ids |= named
            group.append(self._waiting.popleft())
        return group

    async def _store_group(self, group: Sequence[_Waiting], *, again: bool = False) -> datetime | None:
        """Store a group and answer; when it fails, its batches one by one, so that none fails for what another brings.

        When the disk may yet lack it, answers nobody and returns when the first statement was stored.
        """
        batches = [waiting.batch for waiting in group]
        try:
            stored = await self._kept_or_stored(batches, again=again)
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            self._shared.forget()
            if len(group) > 1 and not isinstance(error, _UNREACHABLE):
                for waiting in group:
                    await self._store_group([waiting], again=True)
                return None
            for waiting in group:
                _settle(waiting, _as_told(error))
            return None
        if stored.first is None:
            for waiting, refusal in zip(group, stored.refused, strict=True):
                _settle(waiting, refusal)
        return stored.first

    async def _kept_or_stored(self, batches: Sequence[Batch], *, again: bool) -> _Stored:
        """Store batches, or let the spool keep them: behind others that wait there, or while the database is away.

        A commit whose answer was lost may have arrived: storing the same ids again later changes nothing.
        """
        if self._spool is None:
            return await self._attempt(batches, again=again)
        try:
            if not await self._spool.takes(batches):
                return await self._attempt(batches, again=again)
        except Exception as error:
            if not is_away(error):
                raise
            if not await self._spool.takes(batches, is_away=True):
                raise
        return _Stored([None] * len(batches))

    async def _attempt(self, batches: Sequence[Batch], *, again: bool = False) -> _Stored:
        """Store batches in a transaction, again when it was lost; `again` when some may be there from before."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self._turn:  # two that remember what is shared could each rely on what the other loses
                    if not again and attempt == 1 and (first := await self._stored_at_once(batches)) is not None:
                        return _Stored([None] * len(batches), first if self._grouped else None)
                    return _Stored(await self._transaction(batches, look_for_all=again or attempt > 1))
            except DBAPIError as error:
                self._shared.forget()
                if attempt == _ATTEMPTS or not is_transient(error):
                    raise
                get_logger().warning("xapi.stored_again", attempt=attempt)
                await asyncio.sleep(0.05 * 2**attempt)
        raise AssertionError("attempts is at least 1")

    async def _stored_at_once(self, batches: Sequence[Batch]) -> datetime | None:
        """Store batches in one round trip, as most can be; None when nothing was stored, for there is more to do."""
        statements = [one for batch in batches for one in batch.statements]
        if any(batch.contents for batch in batches) or any(one.found.target is not None for one in statements):
            return None
        if not self._shared.knows(batches):
            return None
        return await store_at_once(self._database, ACTOR, statements, waits_for_disk=not self._grouped)

    async def _transaction(self, batches: Sequence[Batch], *, look_for_all: bool) -> list[AcademeError | None]:
        """One transaction. `look_for_all` looks for our own ids too, for a lost commit may have arrived.

        It waits for the disk, and what is shared is remembered here only: what is known to be written was never lost.
        """
        async with self._database.transaction(ACTOR) as session:
            connection = await session.connection()
            await take_turn(connection)
            ids = [one.id for batch in batches for one in batch.statements if one.is_named or look_for_all]
            known = await known_among(connection, ids)
            refused: list[AcademeError | None] = [_conflict(batch, known) for batch in batches]
            accepted = [batch for batch, refusal in zip(batches, refused, strict=True) if refusal is None]
            fresh = [one for batch in accepted for one in batch.statements if one.id not in known]
            if fresh:
                await store(connection, self._shared, accepted, fresh)
            # Also of statements that are there already: without their contents, where they had a fileUrl.
            brought = [(each, batch.sender.institution_id) for batch in accepted for each in batch.contents]
            await write_rows(session, brought)
            if not fresh:  # those that are there may not have reached the disk
                await FLUSH.rows(connection, {"stored": None})
            return refused


def _conflict(batch: Batch, known: dict[str, Known]) -> StatementConflictError | None:
    """Why a batch is refused: an id of it belongs to a statement that is not the same."""
    if not known:
        return None
    for place, one in enumerate(batch.statements):
        before = known.get(one.id)
        if before is not None and _differ(one, before, batch):
            at = f"/{place}" if batch.is_array else ""
            return StatementConflictError(f"{at}/id", one.id)
    return None


def _differ(one: Incoming, before: Known, batch: Batch) -> bool:
    """Whether they are not the same, which what the sender may not read never is: nobody learns it by guessing."""
    may_compare = batch.sender.may_know_of(before.institution_id)
    return not may_compare or difference(before.statement, one.statement, batch.version) is not None


def _settle(waiting: _Waiting, refusal: Exception | None) -> None:
    if waiting.done.done():
        return  # who asked has gone away
    if refusal is None:
        waiting.done.set_result(None)
    else:
        waiting.done.set_exception(refusal)


def _as_told(error: Exception) -> Exception:
    """What whoever waits is told: a database that is away is unavailable; another fault is their request's own."""
    if isinstance(error, (ServiceUnavailableError, EmbeddedServerError)) or is_disk_full(error):
        return error  # the edge says what is the matter, and whether it is a disk that is full
    if isinstance(error, _UNREACHABLE):
        return ServiceUnavailableError("The statements could not be stored now; send them again in a moment.")
    return error
