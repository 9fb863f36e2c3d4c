"""What every test may ask for: a database of its worker, a transaction that is rolled back, a client of the
application.

Asynchronous tests carry `pytestmark = pytest.mark.anyio`; anyio's plugin runs them and their fixtures.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import Database, Session
from academe.platform.settings import Settings
from tests.schools import TwoSchools, build_two_schools
from tests.support.databases import FOLDER_VARIABLE, ServerOfTests, new_folder
from tests.support.transactions import JoinedDatabase, as_actor, rolled_back


def pytest_configure(config: pytest.Config) -> None:
    """The process that starts the run makes its folder, before there are workers."""
    if FOLDER_VARIABLE not in os.environ:
        os.environ[FOLDER_VARIABLE] = str(new_folder())
        config.add_cleanup(_end_of_run)


def _end_of_run() -> None:
    ServerOfTests(Path(os.environ.pop(FOLDER_VARIABLE))).remove()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, the only loop that the application uses."""
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> ServerOfTests:
    """The PostgreSQL server of this run, with the migrated template."""
    server = ServerOfTests.of_this_run()
    server.ensure_template()
    return server


@pytest.fixture(scope="session")
def settings(server: ServerOfTests, worker_id: str) -> Iterator[Settings]:
    """Settings that lead to this worker's own database, as the application role."""
    name = f"academe_{worker_id}"
    yield server.clone(name)
    server.drop(name)


@pytest.fixture(scope="session")
async def worker_database(settings: Settings, anyio_backend: str) -> AsyncIterator[Database]:
    """The worker's database, whose commits stay; use `database` unless the test is about commits."""
    database = Database(settings)
    yield database
    await database.close()


@pytest.fixture
async def database(worker_database: Database) -> AsyncIterator[JoinedDatabase]:
    """A database on one connection, inside a transaction that is rolled back after the test.

    Give it to the application in place of its own: requests then see what the test has written and the other
    way round. One transaction at a time; for concurrency ask for `own_database`.
    """
    async with rolled_back(worker_database) as joined:
        yield joined


@pytest.fixture
def actor() -> Actor:
    """Who acts in `session`; a test class or module may override it."""
    return system_actor("test")


@pytest.fixture
async def session(database: JoinedDatabase, actor: Actor) -> AsyncIterator[Session]:
    """A session in the test's transaction; it flushes, and what it wrote is gone after the test."""
    async with database.for_test(actor) as session:
        yield session


@pytest.fixture
def own_settings(server: ServerOfTests, worker_id: str, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Settings that lead to a database of this test alone, dropped after it."""
    name = f"academe_{worker_id}_{abs(hash(request.node.nodeid)):x}"
    yield server.clone(name)
    server.drop(name)


@pytest.fixture
async def own_database(own_settings: Settings) -> AsyncIterator[Database]:
    """A database of this test alone, with real commits: for concurrency, jobs, commits that fail."""
    database = Database(own_settings)
    yield database
    await database.close()


@pytest.fixture
async def two_schools(session: Session) -> TwoSchools:
    """Two institutions with people of every role, built in the transaction of `session`."""
    async with as_actor(session, system_actor("build two schools")):
        return await build_two_schools(session)
