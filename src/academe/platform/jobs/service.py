"""Asks for jobs and calls them off, in the transaction of the caller."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import delete, select, text, update

from academe.platform.actor import Actor
from academe.platform.clock import now
from academe.platform.database.session import Session
from academe.platform.errors import ConflictError, NotFoundError
from academe.platform.ids import new_id
from academe.platform.jobs.kinds import JobKind
from academe.platform.jobs.models import Job
from academe.platform.jobs.types import JobStatus

Arguments = TypeVar("Arguments", bound=BaseModel)

JOB_TASK: Final = "academe.job"
QUEUE: Final = "academe"

_ACTOR: Final = TypeAdapter(Actor)

# The library's own function, on the connection of the session: the job is there when the caller's data is.
_DEFER: Final = text(
    "SELECT (procrastinate_defer_jobs_v1(ARRAY[ROW(CAST(:queue AS varchar), CAST(:task AS varchar), 0,"
    " CAST(:lock AS text), NULL, CAST(:arguments AS jsonb), CAST(:at AS timestamptz))"
    "::procrastinate_job_to_defer_v1]))[1]"
)
_CANCEL: Final = text("SELECT procrastinate_cancel_job_v1(:queue_id, true, false)")


async def enqueue(
    session: Session,
    *,
    actor: Actor,
    job: JobKind[Arguments],
    arguments: Arguments,
    title: str | None = None,
    not_before: datetime | None = None,
) -> UUID:
    """Ask for a job on the caller's transaction; returns its id. It starts after the commit, and `not_before` if given.

    The work is done in the name of `actor`, with the roles in force now. `title` replaces the kind's own.
    """
    job_id = new_id()
    queue_id = await defer(
        session,
        JOB_TASK,
        arguments=f'{{"job_id": "{job_id}"}}',
        lock=None if job.lock is None else f"{job.kind} {job.lock(arguments)}",
        not_before=not_before,
    )
    session.add(
        Job(
            id=job_id,
            kind=job.kind,
            title=title or job.title,
            arguments=arguments.model_dump(mode="json"),
            requested_by=actor.person_id,
            actor=actor_as_json(actor),
            queue_id=queue_id,
        )
    )
    await session.flush()
    return job_id


async def cancel(session: Session, *, job_id: UUID) -> None:
    """Call off a job: a queued one never starts, a running one is interrupted at its next await.

    Raises NotFoundError for a job that the actor may not see, and ConflictError for one that is over.
    """
    job = await session.scalar(select(Job).where(Job.id == job_id).with_for_update())
    if job is None:
        raise NotFoundError("There is no such job.")
    if job.status.is_over:
        raise ConflictError(f"The job is already {job.status}.")
    await session.execute(_CANCEL, {"queue_id": job.queue_id})
    if job.status is JobStatus.QUEUED:
        await session.execute(update(Job).where(Job.id == job_id).values(status=JobStatus.CANCELLED, finished_at=now()))


async def forget_jobs(session: Session, *, older_than: timedelta) -> int:
    """Remove the jobs that ended longer ago than `older_than`; returns how many."""
    gone = await session.execute(delete(Job).where(Job.finished_at < now() - older_than).returning(Job.id))
    return len(gone.all())


async def forget_jobs_of(session: Session, *, person_id: UUID) -> None:
    """Remove the jobs that somebody asked for and that are over; needs the system as actor."""
    await session.execute(delete(Job).where(Job.requested_by == person_id, Job.finished_at.is_not(None)))


async def defer(
    session: Session, task: str, *, arguments: str, lock: str | None = None, not_before: datetime | None = None
) -> int:
    """Put a task of the worker into the queue on the caller's transaction; `arguments` is a JSON object.

    The queue is not covered by row-level security: give it ids, never data of people.
    """
    parameters: dict[str, Any] = {
        "queue": QUEUE, "task": task, "lock": lock, "arguments": arguments, "at": not_before
    }  # fmt: skip
    queue_id: int = (await session.execute(_DEFER, parameters)).scalar_one()
    return queue_id


def actor_as_json(actor: Actor) -> dict[str, Any]:
    """The actor as it is kept with a job: roles and id, but not the name of a person nor the session in the browser."""
    kept = replace(actor, session_id=None, label="" if actor.person_id else actor.label)
    document: dict[str, Any] = _ACTOR.dump_python(kept, mode="json")
    return document


def actor_from_json(document: dict[str, Any]) -> Actor:
    """The actor that `actor_as_json` kept."""
    return _ACTOR.validate_python(document)
