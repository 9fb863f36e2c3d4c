"""Does one job: from the row that asks for it to the row that says how it ended."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update

from academe.platform.actor import system_actor
from academe.platform.clock import now
from academe.platform.database.session import Database
from academe.platform.errors import AcademeError
from academe.platform.jobs.failures import tell_failure
from academe.platform.jobs.kinds import JobContext, kind_named
from academe.platform.jobs.models import Job
from academe.platform.jobs.service import actor_from_json
from academe.platform.jobs.types import JobStatus

logger = logging.getLogger(__name__)

RUNNER: Final = system_actor("running of jobs")


class TryAgainError(Exception):
    """The task is to be run again, after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"to be tried again in {seconds} s")
        self.seconds = seconds


def backoff_seconds(attempt: int) -> int:
    """The wait after a failed attempt, counted from 1: 2, 8, 32 seconds and so on, an hour at most."""
    return int(min(3600, 2 * 4 ** (attempt - 1)))


async def run_job(database: Database, job_id: UUID, *, is_called_off: Callable[[], bool] = lambda: False) -> None:
    """Do a job and record how it ended.

    `is_called_off` tells, when this is cancelled, a person's wish from a worker that stops. Raises TryAgainError when
    the queue shall run the job again; any other failure of the job is recorded and not raised.
    """
    row = await _start(database, job_id)
    if row is None:
        return
    kind = kind_named(row.kind)
    if row.attempts > kind.attempts:
        await _end(
            database, job_id, JobStatus.FAILED, error=f"The worker stopped {kind.attempts} times during this job."
        )
        return
    context = JobContext(database, actor_from_json(row.actor), job_id, row.attempts)
    try:
        result = await kind(context, kind.arguments.model_validate(row.arguments))
    except asyncio.CancelledError:
        if not is_called_off():
            await _wait_again(database, job_id, attempts=row.attempts - 1)
            raise TryAgainError(0) from None
        await _end(database, job_id, JobStatus.CANCELLED)
    except AcademeError as error:
        await _fail(database, row, error.message, is_final=error.status < 500 or row.attempts >= kind.attempts)
    except Exception as error:
        # The message may hold data of people: it goes to the log of the operator, not to the page.
        logger.exception("job %s (%s) failed at attempt %d", job_id, row.kind, row.attempts)
        told = f"An unexpected error ({type(error).__name__}). The log has it under job {job_id}."
        await _fail(database, row, told, is_final=row.attempts >= kind.attempts)
    else:
        await _end(database, job_id, JobStatus.SUCCEEDED, result=result)


async def _start(database: Database, job_id: UUID) -> Job | None:
    """The job, now running; None when it is over or was never committed: the queue delivers more than once."""
    async with database.transaction(RUNNER) as session:
        row = await session.scalar(select(Job).where(Job.id == job_id).with_for_update())
        if row is None or row.status.is_over:
            return None
        row.status, row.attempts, row.progress, row.message = JobStatus.RUNNING, row.attempts + 1, 0, None
        row.started_at = now()
        return row


async def _fail(database: Database, row: Job, error: str, *, is_final: bool) -> None:
    if is_final:
        await _end(database, row.id, JobStatus.FAILED, error=error)
        return
    await _wait_again(database, row.id, attempts=row.attempts, error=error)
    raise TryAgainError(backoff_seconds(row.attempts))


async def _wait_again(database: Database, job_id: UUID, *, attempts: int, error: str | None = None) -> None:
    await _update(database, job_id, {"status": JobStatus.QUEUED, "attempts": attempts, "error": error})


async def _end(
    database: Database,
    job_id: UUID,
    status: JobStatus,
    *,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> None:
    values: dict[str, Any] = {"status": status, "error": error, "finished_at": now()}
    if status is JobStatus.SUCCEEDED:
        values |= {"progress": 100, "result": None if result is None else dict(result)}
    await _update(database, job_id, values)


async def _update(database: Database, job_id: UUID, values: dict[str, Any]) -> None:
    async with database.transaction(RUNNER) as session:
        await session.execute(update(Job).where(Job.id == job_id).values(values))
        if values["status"] is JobStatus.FAILED:
            await tell_failure(session, job_id)
