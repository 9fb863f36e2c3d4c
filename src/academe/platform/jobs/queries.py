"""Reads jobs: one of them, or those that somebody asked for."""

from uuid import UUID

from sqlalchemy import Select, select

from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import NotFoundError
from academe.platform.jobs.models import Job


async def job_of(session: Session | ReadSession, *, actor: Actor, job_id: UUID) -> Job:
    """A job that the actor asked for; the system sees every job. Raises NotFoundError for any other."""
    wanted = select(Job).where(Job.id == job_id)
    if not actor.is_system:
        wanted = wanted.where(Job.requested_by == actor.person_id)
    job = await session.scalar(wanted)
    if job is None:
        raise NotFoundError("There is no such job.")
    return job


def jobs_of(actor: Actor) -> Select[Job]:
    """The jobs that the actor asked for, newest first."""
    return select(Job).where(Job.requested_by == actor.person_id).order_by(Job.created_at.desc(), Job.id.desc())
