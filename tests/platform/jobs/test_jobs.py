"""Jobs commit with the data, show how far they are, and end in a way that says what happened."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import func, select, text, update

from academe.platform.actor import ANONYMOUS, Actor, ActorKind, RoleScope, system_actor
from academe.platform.clock import now
from academe.platform.database.session import Database
from academe.platform.errors import ConflictError, NotFoundError
from academe.platform.jobs import JobContext, JobKind, cancel, enqueue
from academe.platform.jobs import job as declare
from academe.platform.jobs.models import Job
from academe.platform.jobs.queries import job_of, jobs_of
from academe.platform.jobs.runner import TryAgainError, backoff_seconds, run_job
from academe.platform.jobs.service import actor_as_json, actor_from_json, forget_jobs
from academe.platform.jobs.types import JobStatus
from academe.worker import make_queue
from tests.platform.jobs.kinds import Count, Nothing, alone, count, refuse, stumble

pytestmark = pytest.mark.anyio

SYSTEM = system_actor("test")
A = TypeVar("A", bound=BaseModel)


def person() -> Actor:
    return Actor(kind=ActorKind.PERSON, label="Ada Example", person_id=uuid4())


async def ask(database: Database, kind: JobKind[A], arguments: A, actor: Actor = SYSTEM) -> UUID:
    async with database.transaction(actor) as session:
        return await enqueue(session, actor=actor, job=kind, arguments=arguments)


async def look(database: Database, job_id: UUID, actor: Actor = SYSTEM) -> Job:
    async with database.reading(actor) as session:
        return await job_of(session, actor=actor, job_id=job_id)


async def queued_tasks(database: Database) -> int:
    async with database.reading(SYSTEM) as session:
        count: int = (await session.execute(text("SELECT count(*) FROM procrastinate_jobs"))).scalar_one()
    return count


@pytest.fixture
async def working(own_database: Database) -> AsyncIterator[Database]:
    """A database with a worker in this process."""
    queue = make_queue(own_database)
    running = asyncio.create_task(queue.run(grace_seconds=1))
    yield own_database
    queue.stop()
    await running


async def over(database: Database, job_id: UUID) -> Job:
    async with asyncio.timeout(20):
        while True:
            job = await look(database, job_id)
            if job.status.is_over:
                return job
            await asyncio.sleep(0.05)


class TestEnqueue:
    async def test_commits_with_the_data(self, own_database: Database) -> None:
        job_id = await ask(own_database, count, Count(to=1))
        assert (await look(own_database, job_id)).status is JobStatus.QUEUED
        assert await queued_tasks(own_database) == 1

    async def test_goes_with_a_transaction_that_fails(self, own_database: Database) -> None:
        async def ask_and_fail() -> None:
            async with own_database.transaction(SYSTEM) as session:
                await enqueue(session, actor=SYSTEM, job=count, arguments=Count(to=1))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await ask_and_fail()
        assert await queued_tasks(own_database) == 0
        async with own_database.reading(SYSTEM) as session:
            assert (await session.execute(select(func.count()).select_from(Job))).scalar_one() == 0

    async def test_nothing_of_the_arguments_lies_in_the_queue(self, own_database: Database) -> None:
        job_id = await ask(own_database, count, Count(to=4711), person())
        async with own_database.reading(SYSTEM) as session:
            task = (await session.execute(text("SELECT args, lock, task_name FROM procrastinate_jobs"))).one()
        assert tuple(task) == ({"job_id": str(job_id)}, None, "academe.job")

    async def test_keeps_the_roles_but_not_the_name(self) -> None:
        scope = RoleScope("lecturer", institution_id=uuid4(), offering_id=uuid4())
        actor = Actor(ActorKind.PERSON, "Ada Example", uuid4(), (scope,), session_id=uuid4())
        kept = actor_as_json(actor)
        assert "Ada" not in str(kept)
        again = actor_from_json(kept)
        assert (again.person_id, again.scopes, again.session_id) == (actor.person_id, (scope,), None)


class TestWhoSees:
    async def test_only_who_asked_and_the_system(self, own_database: Database) -> None:
        actor = person()
        job_id = await ask(own_database, count, Count(to=1), actor)
        for other in (ANONYMOUS, person()):
            with pytest.raises(NotFoundError):
                await look(own_database, job_id, other)
            async with own_database.reading(other) as session:
                assert (await session.scalars(select(Job))).all() == []
        assert (await look(own_database, job_id, actor)).id == job_id
        async with own_database.reading(actor) as session:
            assert [job.id for job in await session.scalars(jobs_of(actor))] == [job_id]


class TestWorker:
    async def test_does_the_work_in_the_name_of_who_asked(self, working: Database) -> None:
        actor = person()
        job = await over(working, await ask(working, count, Count(to=3), actor))
        assert (job.status, job.progress, job.message) == (JobStatus.SUCCEEDED, 100, "3 of 3")
        assert job.result == {"counted": 3, "for": str(actor.person_id), "attempt": 1}

    async def test_progress_is_seen_while_it_runs(self, working: Database) -> None:
        job_id = await ask(working, count, Count(to=20, pause_seconds=0.1))
        seen = set()
        async with asyncio.timeout(20):
            while not (job := await look(working, job_id)).status.is_over:
                seen.add(job.progress)
                await asyncio.sleep(0.05)
        assert len(seen) >= 4

    async def test_starts_at_once_and_not_at_the_next_look(self, working: Database) -> None:
        await over(working, await ask(working, count, Count(to=1)))
        waits = []
        for _ in range(5):
            job = await over(working, await ask(working, count, Count(to=1)))
            assert job.started_at is not None
            waits.append((job.started_at - job.created_at).total_seconds())
        # Without notice the queue is looked at every two seconds: five such starts would be luck of 1 in 1000.
        assert max(waits) < 0.5

    async def test_bad_input_is_final_and_says_why(self, working: Database) -> None:
        job = await over(working, await ask(working, refuse, Nothing()))
        assert (job.status, job.error, job.attempts) == (JobStatus.FAILED, "Line 3 has no date.", 1)

    async def test_a_running_job_is_called_off(self, working: Database) -> None:
        job_id = await ask(working, count, Count(to=1000, pause_seconds=0.1))
        async with asyncio.timeout(20):
            while True:
                if (await look(working, job_id)).status is JobStatus.RUNNING:
                    break
                await asyncio.sleep(0.05)
        async with working.transaction(SYSTEM) as session:
            await cancel(session, job_id=job_id)
        assert (await over(working, job_id)).status is JobStatus.CANCELLED

    async def test_jobs_with_one_lock_run_one_after_the_other(self, working: Database) -> None:
        asked = [await ask(working, alone, Nothing()) for _ in range(3)]
        results = [(await over(working, job_id)).result for job_id in asked]
        assert results == [{"alone": True}] * 3


class TestRunJob:
    async def test_an_unexpected_failure_is_tried_again(self, own_database: Database) -> None:
        job_id = await ask(own_database, stumble, Count(to=1))
        with pytest.raises(TryAgainError) as raised:
            await run_job(own_database, job_id)
        assert raised.value.seconds == backoff_seconds(1) == 2
        job = await look(own_database, job_id)
        assert (job.status, job.attempts) == (JobStatus.QUEUED, 1)
        assert "secret" not in (job.error or "")
        await run_job(own_database, job_id)
        job = await look(own_database, job_id)
        assert (job.status, job.attempts, job.error) == (JobStatus.SUCCEEDED, 2, None)

    async def test_and_failed_in_the_end(self, own_database: Database) -> None:
        job_id = await ask(own_database, stumble, Count(to=5))
        with pytest.raises(TryAgainError):
            await run_job(own_database, job_id)
        await run_job(own_database, job_id)
        job = await look(own_database, job_id)
        assert (job.status, job.attempts) == (JobStatus.FAILED, 2)
        assert job.error == f"An unexpected error (RuntimeError). The log has it under job {job_id}."

    async def test_a_job_that_is_over_is_not_done_again(self, own_database: Database) -> None:
        job_id = await ask(own_database, count, Count(to=1))
        await run_job(own_database, job_id)
        before = await look(own_database, job_id)
        await run_job(own_database, job_id)
        assert (await look(own_database, job_id)).updated_at == before.updated_at

    async def test_a_job_that_ends_its_workers_is_given_up(self, own_database: Database) -> None:
        job_id = await ask(own_database, count, Count(to=1))
        async with own_database.transaction(SYSTEM) as session:
            await session.execute(update(Job).values(status=JobStatus.RUNNING, attempts=3))
        await run_job(own_database, job_id)
        job = await look(own_database, job_id)
        assert (job.status, job.error) == (JobStatus.FAILED, "The worker stopped 3 times during this job.")


class TestCancel:
    async def test_a_stranger_may_not(self, own_database: Database) -> None:
        job_id = await ask(own_database, count, Count(to=1), person())
        with pytest.raises(NotFoundError):
            async with own_database.transaction(person()) as session:
                await cancel(session, job_id=job_id)

    async def test_a_queued_job_never_starts(self, own_database: Database) -> None:
        actor = person()
        job_id = await ask(own_database, count, Count(to=1), actor)
        async with own_database.transaction(actor) as session:
            await cancel(session, job_id=job_id)
        await make_queue(own_database).run(until_empty=True)
        assert (await look(own_database, job_id)).status is JobStatus.CANCELLED
        with pytest.raises(ConflictError, match="already cancelled"):
            async with own_database.transaction(actor) as session:
                await cancel(session, job_id=job_id)


class TestDeclaration:
    async def test_two_jobs_of_one_kind_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"two jobs of kind test\.count"):
            declare("test.count", title="Again")(count.work)

    async def test_work_without_a_model_is_refused(self) -> None:
        async def work(context: JobContext, arguments: int) -> None: ...

        untyped: Any = work
        with pytest.raises(TypeError, match="takes a JobContext and a pydantic model"):
            declare("test.wrong", title="Wrong")(untyped)


async def test_jobs_are_forgotten_after_a_while(own_database: Database) -> None:
    old, new = await ask(own_database, count, Count(to=1)), await ask(own_database, count, Count(to=1))
    for job_id in (old, new):
        await run_job(own_database, job_id)
    async with own_database.transaction(SYSTEM) as session:
        await session.execute(update(Job).where(Job.id == old).values(finished_at=now() - timedelta(days=40)))
        assert await forget_jobs(session, older_than=timedelta(days=30)) == 1
