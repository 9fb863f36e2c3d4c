"""The worker outlives its database: jobs, facts and the rollup go on by themselves within seconds of its return."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final
from uuid import uuid4

import psutil
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from academe.academics.roster_import.tasks import ImportArguments, import_roster
from academe.lrs.facts import ActivityRecorded
from academe.lrs.rollup.follower import NAME as FOLLOWER
from academe.lrs.statements.intake import Intake
from academe.platform.actor import system_actor
from academe.platform.database.embedded import provision
from academe.platform.database.embedded.process import children_of_server, send
from academe.platform.database.migrate import upgrade
from academe.platform.database.session import Database
from academe.platform.errors import ServiceUnavailableError
from academe.platform.jobs import enqueue
from academe.platform.outbox.service import announce
from academe.platform.settings import Settings
from tests.lrs.faults.server import WorkerProcess
from tests.lrs.statements.brought import a_statement, batch_of
from tests.support.databases import ServerOfTests, new_folder
from tests.support.embedded import postmaster

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NAME: Final = "academe"
ACTOR: Final = system_actor("a test")
SECONDS: Final = 10.0
"""The most that jobs, facts and the rollup may need once the database is back."""

OUTAGE_SECONDS: Final = 20.0
START_SECONDS: Final = 8.0
"""In which a worker has started and looked for its database, more than once, on a busy machine too."""

_POSITION = text("SELECT position >= (SELECT max(stored) FROM xapi_statement) FROM xapi_follower WHERE name = :name")
_DELIVERED = text("SELECT count(*) = 0 FROM outbox_message WHERE delivered_at IS NULL")
_DONE = text("SELECT count(*) = 0 FROM job WHERE status IN ('queued', 'running')")


@pytest.fixture(scope="module")
def database_server() -> Iterator[ServerOfTests]:
    """A database server of this module alone, which waits for the disk as in production."""
    server = ServerOfTests(new_folder())
    try:
        server.embedded.ensure_running()
        provision(server.embedded.conninfo(role="postgres", database="postgres"), database=NAME)
        upgrade(server.settings(NAME))
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["embedded", "by address"])
def settings(request: pytest.FixtureRequest, database_server: ServerOfTests) -> Settings:
    """The worker's: it either knows where the embedded server's folder is and may start it, or only its address."""
    if request.param == "embedded":
        return database_server.settings(NAME, database_url=None, database_owner_url=None)
    return database_server.settings(NAME)


@pytest.fixture
async def worker(settings: Settings, database_server: ServerOfTests) -> AsyncIterator[WorkerProcess]:
    """A worker, started once, that has done something."""
    with WorkerProcess(settings) as process:
        await see_all_done(database_server.settings(NAME), within=30.0)
        yield process


async def ask(settings: Settings) -> None:
    """Store a statement, announce a fact and ask for a job, as soon as the database recovered."""
    while True:
        try:
            await _asked(settings)
        except (DBAPIError, ServiceUnavailableError):
            await asyncio.sleep(0.1)
        else:
            return


async def _asked(settings: Settings) -> None:
    database = Database(settings)
    try:
        await Intake(database, limit_bytes=1_000_000).store(batch_of(a_statement(id=str(uuid4()))))
        async with database.transaction(ACTOR) as session:
            await announce(session, ActivityRecorded(uuid4(), (uuid4(),)))
            arguments = ImportArguments(offering_id=uuid4(), upload_id=uuid4())
            await enqueue(session, actor=ACTOR, job=import_roster, arguments=arguments)
    finally:
        await database.close()


async def see_all_done(settings: Settings, *, within: float = SECONDS) -> None:
    """Ask for work of every kind, and see it done in time."""
    await ask(settings)
    database = Database(settings)
    begin = time.monotonic()
    try:
        while True:
            async with database.reading(ACTOR) as session:
                done = [
                    await session.scalar(_POSITION, {"name": FOLLOWER}),
                    await session.scalar(_DELIVERED),
                    await session.scalar(_DONE),
                ]
            needed = time.monotonic() - begin
            if all(done):
                return
            assert needed < within, f"rollup, facts, jobs: {done} after {within} s"
            await asyncio.sleep(0.05)
    finally:
        await database.close()


def kill_postmaster(server: ServerOfTests) -> None:
    folder = server.embedded.folder
    send([*children_of_server(folder), psutil.Process(postmaster(folder))], signal.SIGKILL)


def kill_backends(server: ServerOfTests) -> None:
    """Every connection of the worker at once, and politely, so that the server does not restart."""
    with psycopg.connect(server.embedded.conninfo(role="postgres", database=NAME), autocommit=True) as asking:
        asking.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'academe%'")


def kill_one_backend(server: ServerOfTests) -> None:
    """With SIGKILL: the server ends all others and recovers."""
    with psycopg.connect(server.embedded.conninfo(role="postgres", database=NAME)) as asking:
        row = asking.execute("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'academe%'").fetchone()
    assert row is not None
    os.kill(row[0], signal.SIGKILL)


@pytest.mark.parametrize("fault", [kill_postmaster, kill_backends, kill_one_backend])
async def test_after_a_kill(
    database_server: ServerOfTests, worker: WorkerProcess, fault: Callable[[ServerOfTests], None]
) -> None:
    await asyncio.to_thread(fault, database_server)
    await asyncio.to_thread(database_server.embedded.ensure_running)
    await see_all_done(database_server.settings(NAME))
    assert worker.is_running()


async def test_after_an_outage(database_server: ServerOfTests, worker: WorkerProcess) -> None:
    """Who knows the folder starts the database itself, and has no outage; who knows the address waits for it."""
    await asyncio.to_thread(database_server.embedded.stop)
    await asyncio.sleep(OUTAGE_SECONDS)
    await asyncio.to_thread(database_server.embedded.ensure_running)
    await see_all_done(database_server.settings(NAME))
    assert worker.is_running()


async def test_a_start_while_the_database_is_away(database_server: ServerOfTests, settings: Settings) -> None:
    await asyncio.to_thread(database_server.embedded.stop)
    with WorkerProcess(settings) as process:
        await asyncio.sleep(START_SECONDS)
        assert process.is_running()
        await asyncio.to_thread(database_server.embedded.ensure_running)
        await see_all_done(database_server.settings(NAME))
        assert process.is_running()
