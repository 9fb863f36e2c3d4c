"""Whether this process lives, whether it can do its work, and what it has measured."""

import asyncio
import hmac
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Header
from prometheus_client.registry import Collector
from pydantic import BaseModel
from sqlalchemy import func, select, text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.session import Database, is_away
from academe.platform.errors import (
    AcademeError,
    AuthenticationRequiredError,
    PermissionDeniedError,
    ServiceUnavailableError,
)
from academe.platform.http.dependencies import database_of
from academe.platform.jobs.models import Job
from academe.platform.jobs.types import JobStatus
from academe.platform.logging import get_logger
from academe.platform.metrics import CONTENT_TYPE, JobCounts, exposition
from academe.platform.settings import Settings

CHECK_SECONDS: Final = 3
LEAST_FREE_BYTES: Final = 512 * 2**20

Collect = Callable[[], Awaitable[Collector]]
"""Reads figures for the metrics now."""

_HEALTH_ACTOR: Final = system_actor("health")
_log = get_logger()

router = APIRouter(tags=["health"])


class CheckResult(BaseModel):
    """What one check found and how long it took. Without what is not `needed`, the rest goes on."""

    name: str
    ok: bool
    needed: bool
    milliseconds: float
    detail: str


class Readiness(BaseModel):
    """Whether requests can be answered, with each check; `degraded` when some can and others cannot."""

    ready: bool
    degraded: bool
    checks: list[CheckResult]


class Liveness(BaseModel):
    """That the process answers at all."""

    status: str = "alive"


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be right. `run` answers with a word about it, or raises.

    `needed` is asked when it is wrong: whether this process can then do nothing that it is there for.
    """

    name: str
    run: Callable[[], Awaitable[str]]
    needed: Callable[[], bool] = _always


def database_check(database: Database, needed: Callable[[], bool] = _always) -> Check:
    """The database answers a statement of the application role."""

    async def run() -> str:
        async with database.reading(_HEALTH_ACTOR, timeout_seconds=CHECK_SECONDS) as session:
            await session.execute(text("SELECT 1"))
        return "answers"

    return Check("database", run, needed)


def migrations_check(database: Database, head: Callable[[], str], needed: Callable[[], bool] = _always) -> Check:
    """The tables are those of this release: the database is at the newest migration."""
    known: list[bool] = []

    async def run() -> str:
        known.clear()
        async with database.reading(_HEALTH_ACTOR, timeout_seconds=CHECK_SECONDS) as session:
            at = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
        known.append(True)
        if at != head():
            raise ServiceUnavailableError(f"at {at or 'no migration'}, this release needs {head()}")
        return f"at {at}"

    # A database that is not of this release is no database that is away.
    return Check("migrations", run, lambda: bool(known) or needed())


def disk_check(folder: Path) -> Check:
    """The data folder has room for what is written next."""

    async def run() -> str:
        free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
        if free < LEAST_FREE_BYTES:
            raise ServiceUnavailableError(f"only {free // 2**20} MiB free in the data folder")
        return f"{free / 2**30:.1f} GiB free"

    return Check("disk", run)


def queue_check(database: Database, needed: Callable[[], bool] = _always) -> Check:
    """The queue of jobs can be read. How long jobs wait is told only: pages are shown without a worker, too."""

    async def run() -> str:
        waiting = select(func.count(), func.min(Job.created_at)).where(Job.status == JobStatus.QUEUED)
        async with database.reading(_HEALTH_ACTOR, timeout_seconds=CHECK_SECONDS) as session:
            count, oldest = (await session.execute(waiting)).one()
        if count == 0:
            return "no job waits"
        return f"{count} waiting, the oldest for {(clock.now() - oldest).total_seconds():.0f} s"

    return Check("jobs", run, needed)


async def count_jobs(database: Database) -> dict[tuple[str, str], int]:
    """The jobs that are kept, by kind and status."""
    counted = select(Job.kind, Job.status, func.count()).group_by(Job.kind, Job.status)
    async with database.reading(_HEALTH_ACTOR, timeout_seconds=CHECK_SECONDS) as session:
        return {(kind, status.value): count for kind, status, count in await session.execute(counted)}


async def run_check(check: Check) -> CheckResult:
    """Run one check for at most CHECK_SECONDS. What went wrong is told in our own words only."""
    started = time.perf_counter()
    try:
        detail, ok = await asyncio.wait_for(check.run(), CHECK_SECONDS), True
    except AcademeError as error:
        detail, ok = error.message, False
    except TimeoutError:
        detail, ok = f"no answer within {CHECK_SECONDS} s", False
    except Exception as error:  # noqa: BLE001 - whatever fails, the answer is that it does
        _log.warning("health.check_failed", check=check.name, exc_info=error)
        detail, ok = "does not answer", False
    milliseconds = round((time.perf_counter() - started) * 1000, 2)
    return CheckResult(name=check.name, ok=ok, needed=ok or check.needed(), milliseconds=milliseconds, detail=detail)


@router.get("/health/live")
async def live() -> Liveness:
    """The process answers."""
    return Liveness()


@router.get("/health/ready", responses={503: {"model": Readiness, "description": "A check failed."}})
async def ready(request: Request) -> Readiness:
    """Whether requests can be answered: the result and time of every check; 503 when one fails that is needed."""
    checks: Sequence[Check] = request.app.state.readiness_checks
    results = await asyncio.gather(*(run_check(check) for check in checks))
    failed = [result for result in results if not result.ok]
    is_ready = not any(result.needed for result in failed)
    readiness = Readiness(ready=is_ready, degraded=is_ready and bool(failed), checks=list(results))
    status = 200 if readiness.ready else 503
    return JSONResponse(readiness.model_dump(), status, headers={"Cache-Control": "no-store"})  # type: ignore[return-value]


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, authorization: Annotated[str, Header()] = "") -> Response:
    """Everything measured, for Prometheus: to who has the token, or without one to this machine alone."""
    settings: Settings = request.app.state.settings
    _require_reader(settings.metrics_token.get_secret_value(), authorization, request)
    more: Sequence[Collect] = request.app.state.collectors
    asked: Sequence[Collect] = (partial(_count_jobs, request), *more)
    collectors: list[Collector] = []
    for collect in asked:
        try:
            collectors.append(await collect())
        except Exception as error:
            if not is_away(error):
                raise
            # The rest is told, above all what waits for the database.
            _log.warning("metrics.incomplete", error=type(error).__name__)
    return Response(exposition(*collectors), media_type=CONTENT_TYPE)


async def _count_jobs(request: Request) -> Collector:
    return JobCounts(await count_jobs(database_of(request)))


def _require_reader(token: str, authorization: str, request: Request) -> None:
    if token:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise AuthenticationRequiredError("The metrics need the token of ACADEME_METRICS_TOKEN.")
    elif not _is_loopback(request.client.host if request.client else ""):
        raise PermissionDeniedError("Without ACADEME_METRICS_TOKEN, only this machine may read the metrics.")


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
