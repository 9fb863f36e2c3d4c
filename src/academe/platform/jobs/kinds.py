"""What a job is to those who write one: a decorated function, what it is given, and the register of all of them."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, get_type_hints
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import update

from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import Database
from academe.platform.jobs.models import Job

Arguments = TypeVar("Arguments", bound=BaseModel)

REPORT_SECONDS: Final = 0.25
"""Progress is written no more often than this; a page asks about once a second."""

PROGRESS_ACTOR: Final = system_actor("progress of jobs")


@dataclass(slots=True)
class JobContext:
    """What a running job has: the database, the actor in whose name it works, and a way to say how far it is.

    `attempt` counts from 1. A job makes its own transactions: `async with context.database.transaction(context.actor)`.
    """

    database: Database
    actor: Actor
    job_id: UUID
    attempt: int = 1
    _reported_at: float = field(default=0.0, repr=False)

    async def progress(self, *, done: int, total: int, message: str | None = None) -> None:
        """Say how far the job is, in a transaction of its own, so that others see it at once.

        `done` of `total` units of any kind. Calls in quick succession are dropped, except the one that completes.
        """
        moment = time.monotonic()
        if done < total and moment - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at = moment
        percent = 100 if total <= 0 else max(0, min(100, done * 100 // total))
        values: dict[str, Any] = {"progress": percent}
        if message is not None:
            values["message"] = message
        async with self.database.transaction(PROGRESS_ACTOR) as session:
            await session.execute(update(Job).where(Job.id == self.job_id).values(values))


Work = Callable[[JobContext, Arguments], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class JobKind(Generic[Arguments]):
    """One kind of job, as `job` declares it. Calling it does the work at once, for tests and commands."""

    kind: str
    title: str
    work: Work[Arguments]
    arguments: type[Arguments]
    attempts: int
    lock: Callable[[Arguments], str] | None

    async def __call__(self, context: JobContext, arguments: Arguments) -> Mapping[str, Any] | None:
        return await self.work(context, arguments)


_kinds: dict[str, JobKind[Any]] = {}


def job(
    kind: str, *, title: str, attempts: int = 3, lock: Callable[[Any], str] | None = None
) -> Callable[[Work[Arguments]], JobKind[Arguments]]:
    """Declare a function as the work of a kind of job.

    `kind` is the module and the thing ("academics.roster_import"). The function takes a JobContext and a pydantic model
    and returns the result, to be shown to whoever asked, or None. It is called again, up to `attempts` times, when it
    fails for an unexpected reason or its worker dies: it must be safe to repeat. An AcademeError below 500 is final.
    Jobs for which `lock` gives the same text run one after the other.
    """

    def declare(work: Work[Arguments]) -> JobKind[Arguments]:
        hints = [hint for name, hint in get_type_hints(work).items() if name != "return"]
        model = hints[1] if len(hints) == 2 else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TypeError(f"the work of job {kind} takes a JobContext and a pydantic model")
        if kind in _kinds:
            raise ValueError(f"there are two jobs of kind {kind}")
        _kinds[kind] = JobKind(kind, title, work, model, attempts, lock)
        return _kinds[kind]

    return declare


def kind_named(kind: str) -> JobKind[Any]:
    """The declared kind of this name. Raises LookupError when the composition root did not import its module."""
    try:
        return _kinds[kind]
    except KeyError:
        raise LookupError(f"no job of kind {kind} is declared in this process") from None
