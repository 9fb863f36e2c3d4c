"""The worker's side of the queue: procrastinate on the application's database, fed through `service.defer`.

A worker that is killed leaves its tasks marked as running. Its heartbeat then grows old, and any worker puts them back.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import psycopg
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import AbortReason, JobContext
from procrastinate.jobs import Job
from procrastinate.worker import Worker
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from academe.platform.actor import system_actor
from academe.platform.database.engine import APP_ROLE, database_url
from academe.platform.database.session import Database, is_away, is_transient
from academe.platform.jobs.runner import TryAgainError, run_job
from academe.platform.jobs.service import JOB_TASK, QUEUE
from academe.platform.settings import PoolKind

logger = logging.getLogger(__name__)

KEEPER: Final = system_actor("keeping of the queue")

Task = Callable[[UUID], Awaitable[None]]
Scheduled = Callable[[Database], Awaitable[None]]

_PAUSE_SECONDS: Final = 1.0
_CONNECTION_SECONDS: Final = 5.0
"""How long the library waits for a connection of its pool; what it does then is begun again with a new pool."""

# One statement: two workers that look at the same moment put a task back once. Being asked to stop, a task that its
# worker left is over. `left` is who this process was before it lost the database, and needs no silence to be dead.
_PUT_BACK: Final = text(
    "UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1, scheduled_at = NULL, worker_id = NULL,"
    " abort_requested = false"
    " WHERE status = 'doing' AND (worker_id IS NULL OR worker_id = :left OR (worker_id <> :mine AND worker_id IN"
    " (SELECT id FROM procrastinate_workers WHERE last_heartbeat < now() - make_interval(secs => :silence))))"
    " RETURNING id"
)
_FORGET: Final = text(
    "DELETE FROM procrastinate_jobs WHERE status IN ('succeeded', 'failed', 'cancelled', 'aborted')"
    " AND NOT EXISTS (SELECT FROM procrastinate_events WHERE job_id = procrastinate_jobs.id"
    " AND at > now() - interval '7 days')"
)


class _WhenAsked(BaseRetryStrategy):
    """Runs a task again when it raised TryAgainError, or could not be begun or ended because the database was away."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:  # noqa: ARG002
        if isinstance(exception, TryAgainError):
            return RetryDecision(retry_in={"seconds": exception.seconds})
        return RetryDecision(retry_in={"seconds": 1}) if _may_succeed(exception) else None


class Queue:
    """The tasks that a worker does, and the loop that does them.

    `silence_seconds` after its last heartbeat, which comes every sixth of that, a worker is taken for dead.
    """

    def __init__(self, database: Database, *, concurrency: int = 4, silence_seconds: float = 30.0) -> None:
        self.database = database
        self._concurrency = concurrency
        self._silence_seconds = silence_seconds
        self._first: list[Scheduled] = []
        self._stopping = asyncio.Event()
        self._worker: Worker | None = None
        self._app = App(connector=PsycopgConnector(**_connection_arguments(database)))
        self._app.task(name=JOB_TASK, queue=QUEUE, retry=_WhenAsked(), pass_context=True)(self._run_job)

    def handle(self, task: str, argument: str, work: Task) -> None:
        """Do `work` for each deferred `task`, with the id found under `argument`; TryAgainError runs it again later."""

        async def run(**arguments: str) -> None:
            await work(UUID(arguments[argument]))

        self._app.task(name=task, queue=QUEUE, retry=_WhenAsked())(run)

    def schedule(self, name: str, cron: str, work: Scheduled) -> None:
        """Do `work` whenever `cron` (five fields, UTC) says so, once among all workers."""

        async def run(timestamp: int) -> None:
            logger.debug("%s, scheduled for %d", name, timestamp)
            await work(self.database)

        self._app.periodic(cron=cron)(self._app.task(name=name, queue=QUEUE, queueing_lock=name)(run))

    def begin_with(self, work: Scheduled) -> None:
        """Do `work` once, before the first task; like those, it waits for a database that is away."""
        self._first.append(work)

    async def run(self, *, until_empty: bool = False, grace_seconds: float = 30.0) -> None:
        """Do tasks until `stop`, or until there is none left; running jobs then get `grace_seconds` to finish.

        A database that goes away is waited for. Jobs that do not finish in time are put back for another worker.
        """
        while not self._stopping.is_set():
            try:
                # First our own engine, which starts an embedded server again, and never waits longer and longer.
                await self._put_back_own()
                while self._first:
                    await self._first[0](self.database)
                    self._first.pop(0)
                async with self._app.open_async():
                    await self._work(until_empty=until_empty, grace_seconds=grace_seconds)
            except Exception as error:
                if not isinstance(error, (ConnectorException, DBAPIError, psycopg.Error)) and not is_away(error):
                    raise
                logger.warning("the worker lost the database: %s", type(error).__name__)
            if until_empty:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), timeout=_PAUSE_SECONDS)

    def stop(self) -> None:
        """Take no more tasks, and end when the running ones have; safe from a signal handler of the loop."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]  # the library leaves it out

    async def put_back(self, *, left: int = 0) -> int:
        """Put back what dead workers left, and at once what the worker `left` did; returns how many tasks."""
        mine = self._worker.worker_id if self._worker and self._worker.worker_id else 0
        async with self.database.transaction(KEEPER) as session:
            values = {"mine": mine, "left": left, "silence": self._silence_seconds}
            found = await session.execute(_PUT_BACK, values)
            count = len(found.all())
        if count:
            logger.warning("put back %d tasks that another worker left", count)
        return count

    async def _put_back_own(self) -> None:
        """Put back what this process could not end when it lost the database: all its tasks are over by now."""
        before = self._worker.worker_id if self._worker else None
        await self.put_back(left=before or 0)
        self._worker = None

    async def _work(self, *, until_empty: bool, grace_seconds: float) -> None:
        self._worker = Worker(
            self._app,
            queues=[QUEUE],
            concurrency=self._concurrency,
            wait=not until_empty,
            fetch_job_polling_interval=2.0,
            abort_job_polling_interval=2.0,
            shutdown_graceful_timeout=grace_seconds,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=self._silence_seconds / 6,
            stalled_worker_timeout=self._silence_seconds,
        )
        keeping = asyncio.create_task(self._keep(), name="keep the queue")
        try:
            await self._worker.run()  # type: ignore[no-untyped-call]  # as above
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._silence_seconds / 3)
            try:
                await self.put_back()
            except Exception:
                # The worker's own connection notices a database that is gone; this only waits for the next turn.
                logger.exception("could not look for tasks that another worker left")

    async def _run_job(self, context: JobContext, job_id: str) -> None:
        await run_job(
            self.database, UUID(job_id), is_called_off=lambda: context.abort_reason() is AbortReason.USER_REQUEST
        )


def _may_succeed(error: BaseException) -> bool:
    """Whether it was the database that was away, or another transaction that was in the way."""
    return isinstance(error, Exception) and (is_away(error) or (isinstance(error, DBAPIError) and is_transient(error)))


async def forget_finished(database: Database) -> None:
    """Remove from the queue what ended a week ago or longer."""
    async with database.transaction(KEEPER, timeout_seconds=300) as session:
        await session.execute(_FORGET)


def _connection_arguments(database: Database) -> dict[str, Any]:
    address = database_url(database.settings).set(drivername="postgresql").render_as_string(hide_password=False)
    arguments: dict[str, Any] = {"conninfo": address, "min_size": 1, "max_size": 4, "timeout": _CONNECTION_SECONDS}
    named = {"application_name": "academe-worker"}
    if database.settings.database_pool is PoolKind.NONE:
        # A pooler by transactions gives each of them another connection of the server, to others too: what one has
        # prepared is not there in the next, and a role that was set would be the next one's. The login, a member of the
        # application role, may do all that the queue does.
        return arguments | {"kwargs": named | {"prepare_threshold": None}}

    async def become_application(connection: psycopg.AsyncConnection[Any]) -> None:
        # The login may be the owner, or any role that may act as the application.
        # The connection that listens stays in autocommit: LISTEN works from the commit on.
        before = connection.autocommit
        await connection.set_autocommit(True)
        await connection.execute(f"SET ROLE {APP_ROLE}".encode())
        await connection.set_autocommit(before)

    return arguments | {"kwargs": named, "configure": become_application}
