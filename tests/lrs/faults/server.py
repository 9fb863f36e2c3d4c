"""A server process of its own that can be killed, and what its tables must say whatever has happened."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Self

import httpx
import psutil
import psycopg

from academe.lrs.senders.service import create_sender
from academe.lrs.senders.types import Scope
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.http.server import listen
from academe.platform.settings import Settings

_ACADEME = [sys.executable, "-c", "from academe.cli import app; app()"]
_ACTOR = system_actor("a test")

# Each names what must not be there, and counts it.
_FAULTS = {
    "statements without their id": """
        SELECT count(*) FROM xapi_statement s
        LEFT JOIN xapi_statement_id i ON i.id = s.id AND i.stored = s.stored WHERE i.id IS NULL""",
    "ids without their statement": """
        SELECT count(*) FROM xapi_statement_id i
        LEFT JOIN xapi_statement s ON s.id = i.id AND s.stored = i.stored WHERE s.id IS NULL""",
    "statements that are there twice": """
        SELECT count(*) FROM (SELECT id FROM xapi_statement GROUP BY id HAVING count(*) > 1) t""",
    "agents of no statement": """
        SELECT count(*) FROM xapi_statement_agent m
        LEFT JOIN xapi_statement s ON s.stored = m.stored WHERE s.id IS NULL""",
    "activities of no statement": """
        SELECT count(*) FROM xapi_statement_activity m
        LEFT JOIN xapi_statement s ON s.stored = m.stored WHERE s.id IS NULL""",
    "references of no statement": """
        SELECT count(*) FROM xapi_reference r
        LEFT JOIN xapi_statement s ON s.id = r.id AND s.stored = r.stored WHERE s.id IS NULL""",
    "statements without their reference": """
        SELECT count(*) FROM xapi_statement s
        LEFT JOIN xapi_reference r ON r.id = s.id
        WHERE s.statement #>> '{object,objectType}' = 'StatementRef' AND r.id IS NULL""",
    "references that lead to a statement without an alias": """
        SELECT count(*) FROM xapi_reference r JOIN xapi_statement_id t ON t.id = r.target_id
        LEFT JOIN xapi_alias a ON a.stored = r.stored AND a.target_id = r.target_id WHERE a.stored IS NULL""",
    "aliases without a key": """
        SELECT count(*) FROM xapi_alias a
        WHERE NOT EXISTS (SELECT FROM xapi_alias_key k WHERE k.stored = a.stored AND k.target_id = a.target_id)""",
    "instructors that are not mentioned": """
        SELECT count(*) FROM xapi_statement s
        WHERE s.statement #> '{context,instructor}' IS NOT NULL AND s.agent_key IS NOT NULL
          AND s.statement #> '{context,instructor}' <> s.statement -> 'actor'
          AND NOT EXISTS (SELECT FROM xapi_statement_agent m WHERE m.stored = s.stored)""",
    "statements without an authority": """
        SELECT count(*) FROM xapi_statement s
        LEFT JOIN xapi_authority a ON a.id = s.authority_id WHERE a.id IS NULL""",
    "actors that are not known": """
        SELECT count(*) FROM xapi_statement s
        LEFT JOIN xapi_agent a ON a.id = s.agent_key WHERE s.agent_key IS NOT NULL AND a.id IS NULL""",
    "verbs that are not known": """
        SELECT count(*) FROM xapi_statement s LEFT JOIN xapi_verb v ON v.id = s.verb_key WHERE v.id IS NULL""",
}


class ServerProcess:
    """`academe serve` on one port, started again as often as it is killed."""

    def __init__(self, settings: Settings) -> None:
        with closing(listen("127.0.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]
        self._log = settings.data_dir / f"server-{self._port}.log"
        self.address = f"http://127.0.0.1:{self._port}"
        self._environment = os.environ | {
            "ACADEME_DATA_DIR": str(settings.data_dir),
            "DATABASE_URL": str(settings.database_url or ""),
            "ACADEME_PORT": str(self._port),
            "ACADEME_LOG_LEVEL": "ERROR",
            "ACADEME_XAPI_SPOOL_MEBIBYTES": str(settings.xapi_spool_mebibytes),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        return self._port

    def start(self) -> None:
        """Start it, and wait for its first answer."""
        command = [*_ACADEME, "serve"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{self.address}/xapi/about", timeout=10)
            except httpx.TransportError:
                assert self._process.poll() is None, f"the server ended by itself: {self._log.read_text()[-2000:]}"
                assert time.monotonic() < end, "the server did not start"
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        """SIGKILL, to it and to nobody else."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=30)
            self._process = None

    def resident_bytes(self) -> int:
        """Its memory, without what it shares."""
        assert self._process is not None
        return int(psutil.Process(self._process.pid).memory_full_info().uss)


class WorkerProcess:
    """`academe worker` with the follower of the rollup, started again as often as it is killed."""

    def __init__(self, settings: Settings) -> None:
        self._log = settings.data_dir / "worker.log"
        self._environment = os.environ | {
            "ACADEME_DATA_DIR": str(settings.data_dir),
            "DATABASE_URL": str(settings.database_url or ""),
            "ACADEME_LOG_LEVEL": "ERROR",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_ACADEME, "worker"], env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """SIGKILL, to it and to nobody else."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=30)
            self._process = None


@contextmanager
def serving(settings: Settings) -> Iterator[ServerProcess]:
    """A server that runs, and is gone in the end."""
    server = ServerProcess(settings)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def new_sender(settings: Settings) -> tuple[str, str]:
    """The key and secret of a sender that may do everything."""

    async def work() -> tuple[str, str]:
        database = Database(settings)
        try:
            async with database.transaction(_ACTOR) as session:
                issued = await create_sender(
                    session, actor=_ACTOR, name="Faults", home_page="https://campus.example.edu", scopes=[Scope.ALL]
                )
                return issued.sender.key, issued.secret
        finally:
            await database.close()

    return asyncio.run(work())


def faults_in(conninfo: str) -> dict[str, int]:
    """What the tables of statements say that cannot be, with how often; `conninfo` is of who may read them."""
    with psycopg.connect(conninfo) as connection:
        found = {}
        for name, query in _FAULTS.items():
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            if row[0]:
                found[name] = int(row[0])
        return found


def stored_ids(conninfo: str) -> list[str]:
    """The id of every statement."""
    with psycopg.connect(conninfo) as connection:
        return [row[0] for row in connection.execute("SELECT id::text FROM xapi_statement")]
