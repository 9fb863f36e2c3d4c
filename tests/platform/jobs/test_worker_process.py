"""A worker that is told to stop, one that is killed, and one whose database goes away for a moment."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.jobs import enqueue
from academe.platform.jobs.models import Job
from academe.platform.jobs.queries import job_of
from academe.platform.jobs.types import JobStatus
from academe.platform.settings import Settings
from tests.platform.jobs.kinds import Count, count
from tests.support.databases import ServerOfTests

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SYSTEM = system_actor("test")
PROJECT = Path(__file__).parents[3]

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start(own_settings: Settings) -> Iterator[Start]:
    """Starts worker processes, and ends those that still run after the test."""
    document = json.dumps(
        {
            "data_dir": str(own_settings.data_dir),
            "database_url": str(own_settings.database_url),
            "database_owner_url": str(own_settings.database_owner_url),
        }
    )
    command = [sys.executable, str(PROJECT / "tests" / "platform" / "jobs" / "worker_process.py"), document]
    started: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(command, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


async def ask(database: Database, arguments: Count) -> UUID:
    async with database.transaction(SYSTEM) as session:
        return await enqueue(session, actor=SYSTEM, job=count, arguments=arguments)


async def reached(database: Database, job_id: UUID, status: JobStatus) -> Job:
    async with asyncio.timeout(40):
        while True:
            async with database.reading(SYSTEM) as session:
                job = await job_of(session, actor=SYSTEM, job_id=job_id)
            if job.status is status:
                return job
            await asyncio.sleep(0.1)


class TestStopped:
    async def test_a_job_that_takes_too_long_is_left_for_the_next_worker(
        self, own_database: Database, start: Start
    ) -> None:
        job_id = await ask(own_database, Count(to=60, pause_seconds=0.1))
        first = start()
        await reached(own_database, job_id, JobStatus.RUNNING)
        first.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(first.wait, 20) == 0
        assert (await reached(own_database, job_id, JobStatus.QUEUED)).attempts == 0
        start()
        job = await reached(own_database, job_id, JobStatus.SUCCEEDED)
        assert (job.result or {})["attempt"] == 1

    async def test_a_short_job_is_finished_first(self, own_database: Database, start: Start) -> None:
        job_id = await ask(own_database, Count(to=5, pause_seconds=0.1))
        worker = start()
        await reached(own_database, job_id, JobStatus.RUNNING)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 20) == 0
        assert (await reached(own_database, job_id, JobStatus.SUCCEEDED)).attempts == 1


class TestKilled:
    async def test_the_job_is_put_back_and_done_by_another(self, own_database: Database, start: Start) -> None:
        job_id = await ask(own_database, Count(to=30, pause_seconds=0.1))
        first = start()
        await reached(own_database, job_id, JobStatus.RUNNING)
        first.kill()
        await asyncio.to_thread(first.wait)
        start()
        job = await reached(own_database, job_id, JobStatus.SUCCEEDED)
        assert (job.result or {})["attempt"] == 2


class TestDatabaseGone:
    async def test_the_worker_comes_back(self, own_database: Database, start: Start, server: ServerOfTests) -> None:
        worker = start()
        await reached(own_database, await ask(own_database, Count(to=1)), JobStatus.SUCCEEDED)
        with server.superuser() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND application_name = 'academe-worker'",
                [own_database.engine.url.database],
            )
        await reached(own_database, await ask(own_database, Count(to=1)), JobStatus.SUCCEEDED)
        assert worker.poll() is None
