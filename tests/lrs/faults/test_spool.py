"""The database is stopped or killed while eight clients send, and servers with a spool are killed meanwhile.

What was acknowledged is there exactly once in the end, each sender's in its order. Every round is one outage;
ACADEME_FAULT_ROUNDS=50 makes a long run of it.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Final

import httpx
import psutil
import psycopg
import pytest

from academe.platform.database.embedded import provision
from academe.platform.database.embedded.process import children_of_server, send
from academe.platform.database.migrate import upgrade
from academe.platform.settings import Settings
from tests.lrs.faults.load import Sent, send_until
from tests.lrs.faults.server import ServerProcess, faults_in, new_sender, serving, stored_ids
from tests.lrs.statements.brought import a_statement
from tests.support.databases import ServerOfTests, new_folder
from tests.support.embedded import postmaster

pytestmark = pytest.mark.slow

ROUNDS: Final = int(os.environ.get("ACADEME_FAULT_ROUNDS", "2"))
NAME: Final = "academe"
HEADERS: Final = {"X-Experience-API-Version": "2.0.0"}


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


@pytest.fixture
def settings(database_server: ServerOfTests) -> Settings:
    """A server with a spool."""
    return database_server.settings(NAME, xapi_spool_mebibytes=256)


def kill_database(server: ServerOfTests) -> None:
    folder = server.embedded.folder
    send([*children_of_server(folder), psutil.Process(postmaster(folder))], signal.SIGKILL)


def waiting_files(settings: Settings) -> list[str]:
    folder = settings.data_dir / "spool"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def wait_until_drained(settings: Settings) -> None:
    end = time.monotonic() + 60
    while waiting_files(settings):
        assert time.monotonic() < end, f"still waiting: {waiting_files(settings)}"
        time.sleep(0.1)


def require_whole(sents: Sequence[Sent], conninfo: str) -> None:
    acknowledged = [batch for sent in sents for batch in sent.acknowledged]
    assert [word for sent in sents for word in sent.unexpected] == []
    assert len(acknowledged) > 20, "there was no load to speak of"
    stored = Counter(stored_ids(conninfo))
    assert set(stored.values()) <= {1}
    missing = [identifier for batch in acknowledged for identifier in batch if identifier not in stored]
    assert missing == [], f"{len(missing)} acknowledged statements are lost"
    tried = [batch for sent in sents for batch in sent.tried]
    assert [batch for batch in tried if 0 < sum(identifier in stored for identifier in batch) < len(batch)] == []
    assert set(stored) <= {identifier for batch in tried for identifier in batch}
    assert faults_in(conninfo) == {}
    with psycopg.connect(conninfo) as connection:
        assert connection.execute("SELECT count(*) FROM xapi_set_aside").fetchone() == (0,)


def sent_through(
    servers: Sequence[ServerProcess], auth: tuple[str, str], outage: Callable[[], None], rounds: int
) -> list[Sent]:
    """Send to every server while outages come at moments that nobody can foresee."""
    seed = random.randrange(2**32)

    async def work() -> list[Sent]:
        stop = asyncio.Event()
        clients = 8 // len(servers)
        sending = [
            asyncio.create_task(send_until(stop, each.address, auth, clients=clients, seed=seed + 100 * place))
            for place, each in enumerate(servers)
        ]
        for _ in range(rounds):
            await asyncio.sleep(0.5 + random.random())
            await asyncio.to_thread(outage)
        await asyncio.sleep(0.5)
        stop.set()
        return list(await asyncio.gather(*sending))

    return asyncio.run(work())


def test_the_database_is_killed_and_stays_away(database_server: ServerOfTests, settings: Settings) -> None:
    auth = new_sender(settings)
    seen: list[int] = []

    def outage() -> None:
        kill_database(database_server)
        time.sleep(1 + random.random())
        seen.append(len(waiting_files(settings)))
        database_server.embedded.ensure_running()

    with serving(settings) as process:
        sent = sent_through([process], auth, outage, ROUNDS)
        wait_until_drained(settings)
    assert max(seen) > 0, "nothing was ever kept"
    require_whole(sent, database_server.embedded.conninfo(role="postgres", database=NAME))


def test_two_servers_one_of_which_is_killed_while_the_database_is_away(
    database_server: ServerOfTests, settings: Settings
) -> None:
    auth = new_sender(settings)
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(settings)) for _ in range(2)]
        for each in servers:
            # Both know the sender before the database goes.
            answer = httpx.get(f"{each.address}/xapi/statements", auth=auth, headers=HEADERS, timeout=30)
            assert answer.status_code == 200

        def outage() -> None:
            database_server.embedded.stop()
            wait = time.monotonic() + 30
            while len(waiting_files(settings)) < 2:
                assert time.monotonic() < wait, "each has files of its own"
                time.sleep(0.05)
            servers[0].kill()
            time.sleep(0.3)
            database_server.embedded.ensure_running()
            # The other one stores what the first has left; then that one comes back.
            wait = time.monotonic() + 30
            while time.monotonic() < wait and waiting_files(settings):
                time.sleep(0.1)
            servers[0].start()

        sent = sent_through(servers, auth, outage, 1)
        wait_until_drained(settings)
    require_whole(sent, database_server.embedded.conninfo(role="postgres", database=NAME))


def test_the_only_server_is_killed_while_the_database_is_away(
    database_server: ServerOfTests, settings: Settings
) -> None:
    auth = new_sender(settings)
    conninfo = database_server.embedded.conninfo(role="postgres", database=NAME)
    acknowledged: list[str] = []
    with serving(settings) as process:
        for _ in range(ROUNDS):
            with httpx.Client(base_url=f"{process.address}/xapi", auth=auth, headers=HEADERS, timeout=30) as client:
                assert client.get("/statements", params={"limit": "1"}).status_code == 200
                kill_database(database_server)
                for _ in range(20):
                    answer = client.post("/statements", json=[a_statement(id=None), a_statement()])
                    assert answer.status_code == 200, answer.text
                    acknowledged += answer.json()
            process.kill()
            assert waiting_files(settings)
            process.start()  # with the database away: nothing blocks it
            assert httpx.get(f"{process.address}/health/ready", timeout=30).status_code == 503
            database_server.embedded.ensure_running()
            wait_until_drained(settings)
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute("SELECT id::text FROM xapi_statement ORDER BY stored").fetchall()
    assert [row[0] for row in rows] == acknowledged
    assert faults_in(conninfo) == {}
