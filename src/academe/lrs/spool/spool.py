"""The spool of one process: takes statements while the database is away, and stores them in order when it is back.

While anything waits, whatever comes goes behind it; each step of the replay is larger than what may come between two
steps, so what waits grows less, and when nothing waits any more the database is written to again. While nothing waits,
asking the spool costs a comparison.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from sqlalchemy.exc import DataError

from academe.lrs.spool.errors import SpoolFullError, SpoolUnavailableError
from academe.lrs.spool.folder import DAMAGED, HeldSegment, SpoolFolder
from academe.lrs.spool.records import Spooled, encoded
from academe.lrs.spool.replay import Replay
from academe.lrs.spool.service import record_replay
from academe.lrs.spool.types import SpoolStatus
from academe.lrs.statements.incoming import Batch
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.session import Database, is_away
from academe.platform.errors import AcademeError
from academe.platform.logging import get_logger

ACTOR: Final = system_actor("lrs spool")
SEGMENT_BYTES: Final = 8 * 2**20
"""A segment that is as large as this is followed by another; one is read into memory whole when it is stored."""

_LOOKED_FOR_EVERY_SECONDS: Final = 5.0
_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 10.0
_OLDEST_KNOWN_SECONDS: Final = 1.0

Store = Callable[[Sequence[Batch]], Awaitable[Sequence[AcademeError | None]]]
"""Stores batches in one transaction; says of each why it was refused, or None."""


class Spool:
    """Belongs to one event loop. With `limit_bytes` of 0 it takes nothing in, and stores what waits from before."""

    def __init__(
        self, database: Callable[[], Database], folder: SpoolFolder, *, limit_bytes: int, store: Callable[[], Store]
    ) -> None:
        self._database = database
        self._folder = folder
        self._limit = limit_bytes
        self._store = store
        self._held: list[HeldSegment] = []
        self._replay: Replay | None = None
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._has_reached = False
        self._was_full = False
        self._oldest: tuple[float, datetime | None] = (-_OLDEST_KNOWN_SECONDS, None)

    @property
    def is_on(self) -> bool:
        """Whether it takes statements in when the database is away."""
        return self._limit > 0

    @property
    def carries_on(self) -> bool:
        """Whether this process takes statements in without its database, which it has seen before."""
        return self.is_on and self._has_reached and not self._was_full

    def start(self) -> None:
        """Look for what waits from before, and store it; returns at once."""
        if self._task is None or self._task.done():
            self._is_closing = False
            self._task = asyncio.create_task(self._run(), name="xapi spool")

    async def close(self) -> None:
        """Stop, and leave what waits to whoever comes next."""
        if self._task is not None:
            # The driver may turn the cancellation of a connection that is being made into a failure of it.
            self._is_closing = True
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        async with self._lock:
            for segment in self._held:
                segment.let_go()
            self._held.clear()
            self._replay = None

    async def takes(self, batches: Sequence[Batch], *, is_away: bool = False) -> bool:
        """Keep batches if others wait before them or the database `is_away`; True when they are on the disk.

        Raises SpoolFullError and SpoolUnavailableError; nothing of the batches is kept then.
        """
        if not self._limit or not (self._held or is_away):
            return False
        async with self._lock:
            if not (self._held or is_away):
                return False
            await asyncio.to_thread(self._keep, batches, clock.now())
        self.start()
        self._wake.set()
        return True

    def waiting_since(self) -> datetime | None:
        """When the oldest came of what waits on this machine; of other processes as it was up to a second ago."""
        looked_at, oldest = self._oldest
        seconds = asyncio.get_running_loop().time()
        if seconds - looked_at >= _OLDEST_KNOWN_SECONDS:
            oldest = self._folder.oldest()
            self._oldest = seconds, oldest
        own = [segment.name.received_at for segment in self._held]
        return min(own if oldest is None else [oldest, *own], default=None)

    async def status(self) -> SpoolStatus:
        """What waits in the folder."""
        return await asyncio.to_thread(self._folder.status, self._limit)

    async def replay_all(self, *, damaged: bool) -> list[Replay]:
        """Store everything that no other process holds, for the command line; raises what the database raises.

        With `damaged`, also what can be read by now of files with parts that could not be.
        """
        done: list[Replay] = []
        async with self._lock:
            self._adopt()
            if damaged:
                self._held += await asyncio.to_thread(self._folder.adopt, suffix=DAMAGED)
            while self._held:
                done.append(await self._step_through())
        return done

    def _keep(self, batches: Sequence[Batch], received_at: datetime) -> None:
        """In a thread, and never twice at once."""
        content = encoded(batches, received_at)
        if self._folder.used_bytes() + len(content) > self._limit:
            self._was_full = True
            raise SpoolFullError
        segment = self._held[-1] if self._held else None
        try:
            if segment is None or not segment.is_open or segment.size >= SEGMENT_BYTES:
                segment = self._folder.create(received_at, self._database().settings.master_keys[0])
                self._held.append(segment)
            segment.append(content, sum(len(batch.statements) for batch in batches))
        except OSError as error:
            self._was_full = True
            get_logger().error("xapi.spool_failed", errno=error.errno, error=error.strerror)
            raise SpoolUnavailableError from error
        self._was_full = False

    async def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        await asyncio.to_thread(self._folder.forget_drafts)
        while True:
            try:
                await self._look()
                pause = _FIRST_PAUSE_SECONDS
            except Exception as error:  # noqa: BLE001 - what waits goes on waiting, and is tried again
                if not is_away(error):
                    get_logger().error("xapi.spool_replay_failed", exc_info=error)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            if self._is_closing:
                return
            if not self._held and self._has_reached:
                if not self.is_on:
                    return
                self._wake.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _LOOKED_FOR_EVERY_SECONDS)
            else:
                await asyncio.sleep(pause)

    async def _look(self) -> None:
        """Take over what nobody holds, and store all that is held, unless the database is away."""
        async with self._lock:
            self._adopt()
        if not self._held and self._has_reached:
            return
        # Outside the lock: nobody who sends waits for a connection that cannot be made.
        async with self._database().transaction(ACTOR):
            self._has_reached = True
        while self._held:
            async with self._lock:
                await self._step()

    def _adopt(self) -> None:
        adopted = self._folder.adopt()
        if adopted:
            self._held = sorted([*self._held, *adopted], key=lambda segment: segment.name)
            get_logger().warning("xapi.spool_adopted", segments=len(adopted))

    async def _step_through(self) -> Replay:
        """Store a whole segment."""
        while (done := await self._step()) is None:
            pass
        return done

    async def _step(self) -> Replay | None:
        """One transaction of statements; or, after the last of a segment, the entry, and then the segment goes."""
        if not self._held:
            return None
        if self._replay is None:
            segment = self._held[0]
            segment.seal()
            keys = self._database().settings.master_keys
            self._replay = await asyncio.to_thread(Replay, segment, keys)
        replay = self._replay
        if not replay.portion:
            await asyncio.to_thread(replay.read_on)
        if replay.portion:
            await self._store_each(replay, replay.portion)
            replay.portion.clear()
        if not replay.is_over:
            return None
        await self._database().run(ACTOR, lambda session: record_replay(session, actor=ACTOR, replay=replay))
        self._replay = None
        self._held.remove(replay.segment)
        await asyncio.to_thread(replay.segment.release, keep=bool(replay.faults))
        self._was_full = False
        self._tell(replay)
        return replay

    async def _store_each(self, replay: Replay, statements: Sequence[Spooled]) -> None:
        """Store statements; those that have the id of another are noted, as is one that the database does not take."""
        try:
            refusals = await self._store()([one.batch for one in statements])
        except DataError as error:
            if len(statements) == 1:
                one = statements[0]
                state = getattr(error.orig, "sqlstate", None)
                replay.faults.append(f"Frame {one.frame}, statement {one.place}: the database says {state}.")
                return
            middle = len(statements) // 2
            await self._store_each(replay, statements[:middle])
            await self._store_each(replay, statements[middle:])
            return
        for one, refusal in zip(statements, refusals, strict=True):
            if refusal is None:
                replay.stored += 1
            else:
                replay.refused.append(one)

    def _tell(self, replay: Replay) -> None:
        log = get_logger()
        tell = log.error if replay.faults else log.warning
        tell(
            "xapi.spool_replayed",
            segment=str(replay.segment.name.identity),
            stored=replay.stored,
            set_aside=len(replay.refused),
            unfinished_bytes=replay.scan.torn_bytes,
            faults=replay.faults,
        )
