"""Server, database, connections and worker are killed in turn while eight clients send.

What was acknowledged is there in the end, once and whole, and the rollup is what a rebuild makes of it. Every round is
one `kill -9`. ACADEME_FAULT_ROUNDS=50 makes a long run of it, of about five minutes; ACADEME_FAULT_SEED=... repeats
what was sent and the pauses between the kills.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

import httpx
import psutil
import psycopg
import pytest

from academe.lrs.rollup.follower import catch_up, rebuild
from academe.platform.actor import system_actor
from academe.platform.audit.queries import verify
from academe.platform.database.embedded import provision
from academe.platform.database.embedded.process import children_of_server, send
from academe.platform.database.migrate import upgrade
from academe.platform.database.session import Database
from academe.platform.settings import Settings
from academe.worker import resolvers_of
from tests.lrs.faults.load import Sent, send_until
from tests.lrs.faults.server import ServerProcess, WorkerProcess, faults_in, new_sender, serving, stored_ids
from tests.support.databases import ServerOfTests, new_folder
from tests.support.embedded import postmaster

pytestmark = pytest.mark.slow

ROUNDS: Final = int(os.environ.get("ACADEME_FAULT_ROUNDS", "4"))
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


def test_what_was_acknowledged_outlives_every_kill(database_server: ServerOfTests) -> None:
    settings = database_server.settings(NAME)
    conninfo = database_server.embedded.conninfo(role="postgres", database=NAME)
    auth = new_sender(settings)
    with serving(settings) as server, WorkerProcess(settings) as worker:
        kills = _kills(database_server, server, worker)
        seed = int(os.environ.get("ACADEME_FAULT_SEED", random.randrange(2**32)))
        sys.stdout.write(f"ACADEME_FAULT_SEED={seed}\n")  # pytest shows it when the test fails
        sent = _through(ROUNDS, server, auth, kills, seed)
        sys.stdout.write(
            f"{len(sent.statements)} statements acknowledged, {sent.told_later} times later, {sent.broken} broken\n"
        )
        assert sent.broken > 0, "nobody noticed that the server was gone"
        assert sent.told_later > 0, "nobody noticed that the database was gone"
        assert sent.unexpected == []
        _require_attachments(sent, server.address, auth)
        _require_documents(sent, server.address, auth)
    _require_whole(sent, conninfo)
    counted, recounted = asyncio.run(_rollups(settings, conninfo))
    assert counted, "nothing was counted"
    assert counted == recounted


def _kills(database: ServerOfTests, server: ServerProcess, worker: WorkerProcess) -> list[Callable[[], None]]:
    """What is killed in turn, and brought back."""
    embedded = database.embedded

    def kill_server() -> None:
        server.kill()
        server.start()

    def kill_database() -> None:
        send([*children_of_server(embedded.folder), psutil.Process(postmaster(embedded.folder))], signal.SIGKILL)
        embedded.ensure_running()

    def kill_connection() -> None:
        with psycopg.connect(embedded.conninfo(role="postgres", database=NAME)) as asking:
            pids = asking.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'academe'").fetchall()
        # One that has ended meanwhile cannot be killed, and another will be.
        with suppress(ProcessLookupError, IndexError):
            os.kill(random.choice(pids)[0], signal.SIGKILL)

    def kill_worker() -> None:
        worker.kill()
        worker.start()

    return [kill_database, kill_server, kill_connection, kill_worker]


def _through(
    rounds: int, server: ServerProcess, auth: tuple[str, str], kills: list[Callable[[], None]], seed: int
) -> Sent:
    """Send while something is killed at moments that nobody can foresee."""

    async def work() -> Sent:
        stop = asyncio.Event()
        sending = asyncio.create_task(
            send_until(stop, server.address, auth, clients=CLIENTS, seed=seed, everything=True)
        )
        random_ = random.Random(seed)
        for place in range(rounds):
            await asyncio.sleep(0.5 + random_.random())
            await asyncio.to_thread(kills[place % len(kills)])
        await asyncio.sleep(0.5)
        stop.set()
        return await sending

    return asyncio.run(work())


def _require_whole(sent: Sent, conninfo: str) -> None:
    assert len(sent.acknowledged) > 20, "there was no load to speak of"
    stored = Counter(stored_ids(conninfo))
    assert set(stored.values()) <= {1}
    missing = [identifier for batch in sent.acknowledged for identifier in batch if identifier not in stored]
    assert missing == [], f"{len(missing)} acknowledged statements are lost"
    halves = [batch for batch in sent.tried if 0 < sum(identifier in stored for identifier in batch) < len(batch)]
    assert halves == []
    assert set(stored) <= {identifier for batch in sent.tried for identifier in batch}
    assert faults_in(conninfo) == {}
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute("SELECT id::text, statement FROM xapi_statement").fetchall()
    kept: dict[str, dict[str, Any]] = dict(rows)
    other = [
        (identifier, name)
        for identifier, statement in sent.statements.items()
        for name, value in statement.items()
        if name != "id" and kept[identifier].get(name) != value  # the id is in a column of its own
    ]
    assert other == [], "a property is not what was sent"


def _require_attachments(sent: Sent, address: str, auth: tuple[str, str]) -> None:
    """Every attachment comes back as it was sent; of statements that were voided meanwhile too."""
    headers = {"X-Experience-API-Version": "2.0.0"}
    with httpx.Client(base_url=f"{address}/xapi", auth=auth, headers=headers, timeout=20) as client:
        for identifier, data in sent.attached.items():
            answers = [
                client.get("/statements", params={name: identifier, "attachments": "true"})
                for name in ("statementId", "voidedStatementId")
            ]
            assert any(data in answer.content for answer in answers), f"the attachment of {identifier} is lost"


def _require_documents(sent: Sent, address: str, auth: tuple[str, str]) -> None:
    """Every state is what was acknowledged last, or what was tried after that."""
    headers = {"X-Experience-API-Version": "2.0.0"}
    with httpx.Client(base_url=f"{address}/xapi", auth=auth, headers=headers, timeout=20) as client:
        for name, (acknowledged, tried) in sent.documents.items():
            parameters = {
                "activityId": "https://campus.example.edu/quiz/1",
                "agent": json.dumps({"mbox": "mailto:student1@example.com"}),
                "stateId": name,
            }
            answer = client.get("/activities/state", params=parameters)
            assert answer.status_code == 200
            assert acknowledged <= answer.json()["number"] <= tried


async def _rollups(settings: Settings, conninfo: str) -> tuple[list[Any], list[Any]]:
    """The rollup as the killed followers left it and the last one ended it, and counted anew; the audit chain holds."""
    database = Database(settings)
    resolvers = resolvers_of(settings)
    try:
        while await catch_up(database, resolvers) is not None:
            continue
        counted = await asyncio.to_thread(_days, conninfo)
        await rebuild(database, resolvers)
        async with database.reading(system_actor("a test")) as session:
            assert (await verify(session)).faults == ()
        return counted, await asyncio.to_thread(_days, conninfo)
    finally:
        await database.close()


def _days(conninfo: str) -> list[Any]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute("SELECT d::text FROM activity_day d ORDER BY 1").fetchall()
