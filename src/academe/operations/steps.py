"""Runs of imports and their steps: each step one transaction that also says that it was done."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy import func, select, text

from academe.operations.models import ImportRun, ImportStep
from academe.operations.types import ImportSummary, Step
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, Session
from academe.platform.database.staging import Loaded

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


class Run:
    """A run under way. The same step of two imports into one institution happens one after the other."""

    def __init__(self, database: Database, actor: Actor, run: ImportRun, done: dict[str, Step]) -> None:
        self.database = database
        self.actor = actor
        self.id = run.id
        self.institution_id = run.institution_id
        self.source = run.source
        self._done = done

    @property
    def resumes(self) -> bool:
        """Whether an earlier process began this run."""
        return bool(self._done)

    async def step(self, name: str, work: Callable[[Session], Awaitable[Loaded]]) -> Step:
        """Do the work and record it, in one transaction without a time limit; nothing when the run has it behind it."""
        if done := self._done.get(name):
            return done
        async with self.database.transaction(self.actor, timeout_seconds=0) as session:
            await session.execute(_LOCK, {"name": f"import {self.source} {self.institution_id} {name}"})
            loaded = await work(session)
            step = Step(name, loaded.rows, loaded.inserted, loaded.updated)
            session.add(
                ImportStep(run_id=self.id, name=name, rows=step.rows, inserted=step.inserted, updated=step.updated)
            )
        return step

    async def finish(self, summary: ImportSummary) -> None:
        """Close the run."""
        async with self.database.transaction(self.actor) as session:
            run = await session.get_one(ImportRun, self.id)
            run.finished_at, run.summary = clock.now(), summary.as_dict()
            record(
                session,
                actor=self.actor,
                action="import_run.finished",
                subject=Subject("import_run", run.id, run.institution_id),
                summary=f"Import of {run.source}: {summary.inserted:,} rows added, {summary.updated:,} changed",
            )


async def begin(
    database: Database,
    actor: Actor,
    *,
    source: str,
    fingerprint: str,
    institution: Callable[[Session], Awaitable[UUID]],
) -> Run:
    """Go on with the newest run of these files into this institution if it was broken off; otherwise begin one."""
    async with database.transaction(actor, timeout_seconds=0) as session:
        await session.execute(_LOCK, {"name": f"import {source}"})
        institution_id = await institution(session)
        newest = await session.scalar(
            select(ImportRun)
            .where(ImportRun.institution_id == institution_id, ImportRun.source == source)
            .order_by(ImportRun.started_at.desc())
            .limit(1)
        )
        if newest is not None and newest.fingerprint == fingerprint and newest.finished_at is None:
            steps = await session.scalars(select(ImportStep).where(ImportStep.run_id == newest.id))
            done = {step.name: Step(step.name, step.rows, step.inserted, step.updated, resumed=True) for step in steps}
            return Run(database, actor, newest, done)
        run = ImportRun(institution_id=institution_id, source=source, fingerprint=fingerprint, started_at=func.now())
        session.add(run)
        await session.flush()
        record(
            session,
            actor=actor,
            action="import_run.started",
            subject=Subject("import_run", run.id, institution_id),
            summary=f"Import of {source} started",
            changes={"fingerprint": fingerprint},
        )
        return Run(database, actor, run, {})
