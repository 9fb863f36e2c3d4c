"""Pages of background work: what one has asked for, how far it is, and a way to call it off.

Beside `jobs` and not in it, because the edge, which pages need, counts jobs for its metrics.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.jobs.models import Job
from academe.platform.jobs.queries import job_of, jobs_of
from academe.platform.jobs.service import cancel
from academe.platform.jobs.types import JobStatus
from academe.platform.pages.render import redirect, render

router = page_router()

SHOWN: Final = 50

TONES: Final = {
    JobStatus.QUEUED: "neutral",
    JobStatus.RUNNING: "accent",
    JobStatus.SUCCEEDED: "good",
    JobStatus.FAILED: "bad",
    JobStatus.CANCELLED: "warn",
}


@dataclass(frozen=True, slots=True)
class JobsPage:
    """The work one has asked for, newest first, the last fifty pieces."""

    jobs: tuple[Job, ...]
    tones: dict[JobStatus, str]


@dataclass(frozen=True, slots=True)
class JobPage:
    """One piece of work. Of its result, `summary` is a sentence and `href` leads on; the rest is shown as it is."""

    job: Job
    tone: str
    note: str
    summary: str | None
    href: str | None
    figures: tuple[tuple[str, str], ...]


@router.get("/jobs")
async def show_jobs(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """What one has asked for."""
    jobs = tuple(await session.scalars(jobs_of(actor).limit(SHOWN)))
    return render(request, "platform/jobs.html", JobsPage(jobs, TONES))


@router.get("/jobs/{job_id}")
async def show_job(request: Request, job_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """How far a job is; the part in the middle asks again every second until it is over."""
    job = await job_of(session, actor=actor, job_id=job_id)
    return render(request, "platform/job.html", page_of(job), block="progress")


@router.post("/jobs/{job_id}/cancel")
async def cancel_job(request: Request, job_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Call a job off."""
    await job_of(session, actor=actor, job_id=job_id)
    await cancel(session, job_id=job_id)
    return redirect(request, f"/jobs/{job_id}", "The job was called off.")


def page_of(job: Job) -> JobPage:
    """The job in words."""
    result: dict[str, Any] = dict(job.result or {})
    summary, href = result.pop("summary", None), result.pop("href", None)
    figures = tuple(
        (name.replace("_", " ").capitalize(), str(value))
        for name, value in result.items()
        if isinstance(value, str | int | float)
    )
    return JobPage(job, TONES[job.status], _note(job), summary, href, figures)


def _note(job: Job) -> str:
    if job.status is JobStatus.QUEUED and job.error:
        return "It did not work and will be tried again in a moment."
    if job.status is JobStatus.QUEUED:
        return "Waiting for its turn."
    return job.message or ("Working" if job.status is JobStatus.RUNNING else "")
