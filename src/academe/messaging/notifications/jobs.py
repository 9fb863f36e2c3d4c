"""Tells whoever asked for a job that it has failed."""

from typing import Final

from academe.messaging.notifications.service import Notice, notify
from academe.messaging.types import NotificationKind
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from academe.platform.jobs.models import Job

ACTOR: Final = system_actor("tell of failed jobs")


async def tell_job_failed(session: Session, job: Job) -> None:
    """A listener for `when_job_fails`; jobs that no person asked for are in the log of the operator."""
    if job.requested_by is None:
        return
    notice = Notice(
        NotificationKind.SYSTEM,
        f"This did not work: {job.title}"[:200],
        (job.error or "")[:4000],
        f"/jobs/{job.id}",
        f"job-failed:{job.id}",
    )
    await notify(session, actor=ACTOR, notice=notice, receivers=[job.requested_by])
