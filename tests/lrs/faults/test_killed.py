"""The server or its database is killed while eight clients send: what was acknowledged is there, once and whole.

Every round is one `kill -9`. ACADEME_FAULT_ROUNDS=50 makes a long run of it.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

import psutil
import pytest

from academe.platform.database.embedded import provision
from academe.platform.database.embedded.process import children_of_server, send
from academe.platform.database.migrate import upgrade
from academe.platform.settings import Settings
from tests.lrs.faults.load import Sent, send_until
from tests.lrs.faults.server import ServerProcess, faults_in, new_sender, serving, stored_ids
from tests.support.databases import ServerOfTests, new_folder
from tests.support.embedded import postmaster

pytestmark = pytest.mark.slow

ROUNDS: Final = int(os.environ.get("ACADEME_FAULT_ROUNDS", "2"))
CLIENTS: Final = 8
NAME: Final = "academe"


@pytest.fixture
def database_server() -> Iterator[ServerOfTests]:
    """A database server of this test alone, which waits for the disk as in production."""
    server = ServerOfTests(new_folder())
    try:
        server.embedded.ensure_running()
        provision(server.embedded.conninfo(role="postgres", database="postgres"), database=NAME)
        upgrade(server.settings(NAME))
        yield server
    finally:
        server.remove()


def _through(rounds: int, server: ServerProcess, auth: tuple[str, str], kill: Callable[[], None]) -> Sent:
    """Send while something is killed at moments that nobody can foresee."""
    seed = random.randrange(2**32)

    async def work() -> Sent:
        stop = asyncio.Event()
        sending = asyncio.create_task(send_until(stop, server.address, auth, clients=CLIENTS, seed=seed))
        random_ = random.Random(seed)
        for _ in range(rounds):
            await asyncio.sleep(0.5 + random_.random())
            await asyncio.to_thread(kill)
        await asyncio.sleep(0.5)
        stop.set()
        return await sending

    return asyncio.run(work())


def _require_whole(sent: Sent, conninfo: str) -> None:
    assert sent.unexpected == []
    assert len(sent.acknowledged) > 20, "there was no load to speak of"
    stored = Counter(stored_ids(conninfo))
    assert set(stored.values()) <= {1}
    missing = [identifier for batch in sent.acknowledged for identifier in batch if identifier not in stored]
    assert missing == [], f"{len(missing)} acknowledged statements are lost"
    halves = [batch for batch in sent.tried if 0 < sum(identifier in stored for identifier in batch) < len(batch)]
    assert halves == []
    assert set(stored) <= {identifier for batch in sent.tried for identifier in batch}
    assert faults_in(conninfo) == {}


def test_the_server_is_killed(server: ServerOfTests, own_settings: Settings) -> None:
    auth = new_sender(own_settings)
    with serving(own_settings) as process:

        def kill() -> None:
            process.kill()
            process.start()

        sent = _through(ROUNDS, process, auth, kill)
    assert sent.broken > 0, "nobody noticed that the server was gone"
    _require_whole(sent, _conninfo(server, own_settings))


def test_the_database_is_killed(database_server: ServerOfTests) -> None:
    settings = database_server.settings(NAME)
    embedded = database_server.embedded
    auth = new_sender(settings)
    with serving(settings) as process:

        def kill() -> None:
            victims = [*children_of_server(embedded.folder), psutil.Process(postmaster(embedded.folder))]
            send(victims, signal.SIGKILL)
            embedded.ensure_running()

        sent = _through(ROUNDS, process, auth, kill)
    assert sent.told_later > 0, "nobody noticed that the database was gone"
    _require_whole(sent, embedded.conninfo(role="postgres", database=NAME))


def _conninfo(server: ServerOfTests, settings: Settings) -> str:
    name = str(settings.database_url).rpartition("/")[2].partition("?")[0]
    return server.embedded.conninfo(role="postgres", database=name)
