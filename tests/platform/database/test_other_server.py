"""Servers other than that of the test run: one that is killed under the application, and one without roles."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from pydantic import PostgresDsn
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from academe.platform.actor import ANONYMOUS, system_actor
from academe.platform.database import migrate
from academe.platform.database.discovery import import_models
from academe.platform.database.embedded import EmbeddedServer
from academe.platform.database.session import Database
from academe.platform.database.verify import verify
from academe.platform.jobs import enqueue
from academe.platform.jobs.queries import job_of
from academe.platform.jobs.types import JobStatus
from academe.platform.settings import Settings
from academe.worker import make_queue
from tests.platform.jobs.kinds import Count, count
from tests.support.databases import new_folder

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SYSTEM = system_actor("test")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a running server, which nobody else uses."""
    folder = new_folder()
    EmbeddedServer(folder / "postgres").ensure_running()
    yield folder
    EmbeddedServer(folder / "postgres").stop()
    shutil.rmtree(folder)


def kill(folder: Path) -> None:
    """Kill the server, which has no chance to say goodbye."""
    os.kill(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


async def asked(database: Database) -> UUID:
    """Ask for a job, until the database takes it."""
    while True:
        try:
            async with database.transaction(SYSTEM) as session:
                return await enqueue(session, actor=SYSTEM, job=count, arguments=Count(to=1))
        except DBAPIError:
            await asyncio.sleep(0.2)


async def done(database: Database, job_id: UUID) -> None:
    """Wait until a job has succeeded."""
    while True:
        async with database.reading(SYSTEM) as session:
            if (await job_of(session, actor=SYSTEM, job_id=job_id)).status is JobStatus.SUCCEEDED:
                return
        await asyncio.sleep(0.2)


class TestKilledServer:
    async def test_the_next_connection_brings_it_back(self, folder: Path) -> None:
        database = Database(Settings(_env_file=None, data_dir=folder))
        async with database.reading(ANONYMOUS) as session:
            await session.execute(text("SELECT 1"))
        kill(folder)

        async def ask() -> int:
            async with database.reading(ANONYMOUS) as session:
                answer: int = (await session.execute(text("SELECT 42"))).scalar_one()
            return answer

        answers: list[object] = []
        async with asyncio.timeout(60):
            while len(answers) < 10:
                asked = await asyncio.gather(*(ask() for _ in range(10)), return_exceptions=True)
                assert all(answer == 42 or isinstance(answer, DBAPIError) for answer in asked), asked
                answers = [answer for answer in asked if answer == 42]
        await database.close()

    async def test_a_worker_does_the_next_job_all_the_same(self, folder: Path) -> None:
        settings = Settings(_env_file=None, data_dir=folder)
        migrate.upgrade(settings)
        database = Database(settings)
        queue = make_queue(database)
        running = asyncio.create_task(queue.run())
        await asyncio.sleep(1)
        kill(folder)

        async with asyncio.timeout(90):
            await done(database, await asked(database))
        queue.stop()
        await running
        await database.close()


class TestServerOfOnesOwn:
    async def test_one_role_that_may_create_roles_is_enough(self, folder: Path) -> None:
        server = EmbeddedServer(folder / "postgres")
        with psycopg.connect(server.conninfo(role="postgres", database="postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE academe")
            connection.execute("DROP ROLE academe_owner, academe_app, academe_readonly")
            connection.execute("CREATE ROLE solo LOGIN CREATEROLE")
            connection.execute("CREATE DATABASE solo OWNER solo")
        address = make_url(server.url(role="solo", database="solo")).set(host="localhost")
        settings = Settings(_env_file=None, data_dir=folder, database_url=PostgresDsn(str(address)))
        assert migrate.upgrade(settings)[-1] == migrate.head()
        assert [check for check in verify(settings, import_models()) if not check.ok] == []
        database = Database(settings)
        async with database.transaction(SYSTEM) as session:
            roles = (await session.execute(text("SELECT session_user, current_user"))).one()
        assert tuple(roles) == ("solo", "academe_app")
        job_id = await asked(database)
        await make_queue(database).run(until_empty=True)
        await asyncio.wait_for(done(database, job_id), timeout=5)
        await database.close()
