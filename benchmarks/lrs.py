"""`academe benchmark lrs`: statements over HTTP, checked whole, by one server process beside its database.

References, taken in turn with it: pgbench inserting rows of the same columns and the same JSON into a table without
indexes, one or as many to a transaction as a request brings; and the same server with group commit off. Then reads of
100 statements with each filter over a store of `STORED` statements, written straight into the tables, and both again
beside a store of `SMALL` and one of `MOST`. Needs 30 GB of disk for the time it takes.
"""

import base64
import http.client
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import psycopg

from academe.platform.database.embedded import EmbeddedServer
from academe.platform.database.engine import OWNER_ROLE
from academe.platform.settings import Settings
from benchmarks.framework import Context, Measure, absolute, relative
from benchmarks.lrs_rows import agent_of, course_of, fill, statement_of
from benchmarks.served import COMMAND, address_said_by, rate_of

CONNECTIONS: Final = 32
SECONDS: Final = 6
ROUNDS: Final = 3
DIFFERENT: Final = 400
"""How many different requests are sent in turn."""

SMALL: Final = 100_000
STORED: Final = 2_000_000
MOST: Final = 10_000_000
"""Twelve gigabytes of statements and six of indexes: what growth is judged by."""

READS: Final = 300
WRITES: Final = 2_000
BATCHES: Final = {50: 0.25, 500: 0.35}


@dataclass(frozen=True, slots=True)
class Store:
    """A served LRS, and the credentials of a sender who may do everything."""

    host: str
    port: int
    authorization: str
    postgres: EmbeddedServer

    def post(self, statements: int) -> list[bytes]:
        """Requests that bring so many statements each, without ids, so that every one is new."""
        made = [[statement_of(batch * statements + place) for place in range(statements)] for batch in range(DIFFERENT)]
        if statements == 1:
            return [self._request("POST", "/xapi/statements", json.dumps(batch[0]).encode()) for batch in made]
        return [self._request("POST", "/xapi/statements", json.dumps(batch).encode()) for batch in made[:40]]

    def seconds_of(self, path: str) -> float:
        """How long one read takes, over a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port)
        connection.connect()
        started = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": self.authorization, **_VERSION})
        answer = connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - started
        if answer.status != 200 or not json.loads(body)["statements"]:
            raise AssertionError(f"GET {path} answered {answer.status}: {body[:300]!r}")
        return seconds

    def seconds_of_writes(self, count: int) -> list[float]:
        """How long each of so many writes of one statement takes, one after the other over one connection."""
        headers = {"Authorization": self.authorization, "Content-Type": "application/json", **_VERSION}
        bodies, seconds = [json.dumps(statement_of(place)) for place in range(DIFFERENT)], []
        connection = http.client.HTTPConnection(self.host, self.port)
        for place in range(DIFFERENT + count):
            started = time.perf_counter()
            connection.request("POST", "/xapi/statements", bodies[place % DIFFERENT], headers)
            answer = connection.getresponse()
            body = answer.read()
            if place >= DIFFERENT:  # the first ones bring what is new
                seconds.append(time.perf_counter() - started)
            if answer.status != 200:
                raise AssertionError(f"POST answered {answer.status}: {body[:300]!r}")
        return seconds

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: {self.authorization}\r\n"
            f"X-Experience-API-Version: 2.0.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


_VERSION: Final = {"X-Experience-API-Version": "2.0.0"}


def measure(context: Context) -> Sequence[Measure]:
    """Writing in three sizes, reading by four filters, and both beside a smaller store."""
    with tempfile.TemporaryDirectory(prefix="academe-benchmark-") as folder:
        Path(folder).chmod(0o755)  # the database server's account has to enter it when root runs the benchmark
        server = EmbeddedServer(Path(folder) / "postgres")
        try:
            return [*_writing(context, folder), *_reading(context, folder)]
        finally:
            server.stop()


def _writing(context: Context, folder: str) -> Iterator[Measure]:
    rates: dict[str, list[float]] = {}
    for number in range(1, ROUNDS + 1):
        context.say(f"Writing, round {number} of {ROUNDS}")
        with served_store(folder) as store:
            for size in (1, *BATCHES):
                rates.setdefault(f"sql {size}", []).append(_pgbench(store.postgres, size))
                requests = store.post(size)
                rate = rate_of(store.host, store.port, requests, connections=_connections(size), seconds=SECONDS)
                rates.setdefault(f"http {size}", []).append(rate * size)
        with served_store(folder, ACADEME_XAPI_GROUP_COMMIT="false") as store:
            rate = rate_of(store.host, store.port, store.post(1), connections=CONNECTIONS, seconds=SECONDS)
            rates.setdefault("alone", []).append(rate)
    middle = {name: statistics.median(found) for name, found in rates.items()}
    unit = "statements/s"
    yield relative("one statement a request, beside pgbench", middle["http 1"], middle["sql 1"], unit, "at least", 0.3)
    yield relative("the same, beside group commit off", middle["http 1"], middle["alone"], unit, "at least", 1.8)
    for size, target in BATCHES.items():
        name = f"batches of {size}, beside pgbench"
        yield relative(name, middle[f"http {size}"], middle[f"sql {size}"], unit, "at least", target)


def _reading(context: Context, folder: str) -> Iterator[Measure]:
    written: dict[int, list[float]] = {}
    read: dict[int, dict[str, list[float]]] = {}
    for stored in (SMALL, STORED, MOST):
        context.say(f"Filling the store with {stored:,} statements")
        with served_store(folder) as store:
            fill(store.postgres.conninfo(role=OWNER_ROLE), stored)
            context.say("Reading")
            read[stored] = {name: _seconds(store, query) for name, query in _QUERIES.items()}
            written[stored] = store.seconds_of_writes(WRITES)
    for name, seconds in read[STORED].items():
        worst = statistics.quantiles(seconds, n=100)[98] * 1000
        yield absolute(f"99th percentile of reading 100 by {name}", worst, "ms", "at most", 60)
    for name, seconds in read[MOST].items():
        before, now = statistics.median(read[SMALL][name]) * 1000, statistics.median(seconds) * 1000
        label = f"median of reading by {name}, {MOST:,} beside {SMALL:,} stored"
        yield relative(label, now, before, "ms", "at most", 1.5)
    before, now = statistics.median(written[SMALL]) * 1000, statistics.median(written[MOST]) * 1000
    yield relative(f"median of writing one, {MOST:,} beside {SMALL:,} stored", now, before, "ms", "at most", 1.5)


def _connections(size: int) -> int:
    return CONNECTIONS if size == 1 else 8


_QUERIES: Final[Mapping[str, Callable[[int], dict[str, str]]]] = {
    "agent": lambda number: {"agent": json.dumps(agent_of(number))},
    "verb": lambda _: {"verb": "http://adlnet.gov/expapi/verbs/answered"},
    "since": lambda number: {"since": f"2026-10-{1 + number % 28:02d}T12:00:00Z", "ascending": "true"},
    "activity with related": lambda number: {"activity": course_of(number), "related_activities": "true"},
}


def _seconds(store: Store, query: Callable[[int], dict[str, str]]) -> list[float]:
    paths = [f"/xapi/statements?{urlencode({'limit': 100, **query(number)})}" for number in range(READS)]
    for path in paths[:10]:
        store.seconds_of(path)
    return [store.seconds_of(path) for path in paths]


def environment_of(folder: str, **more: str) -> dict[str, str]:
    """What the processes of a store in this folder get, with more settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    said = {"ACADEME_DATA_DIR": folder, "ACADEME_LOG_LEVEL": "WARNING", "NO_COLOR": "1", "COLUMNS": "200"}
    return environment | said | more


@contextmanager
def served_store(folder: str, **more: str) -> Iterator[Store]:
    """A new sender's way into the store of a folder, served by one process with these settings."""
    environment = environment_of(folder, **more)
    subprocess.run([*COMMAND, "db", "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
    added = [*COMMAND, "lrs", "sender", "add", f"Benchmark {time.time()}", "--scope", "all", "--json"]
    sender = json.loads(subprocess.run(added, env=environment, check=True, capture_output=True, text=True).stdout)
    secret = base64.b64encode(f"{sender['key']}:{sender['secret']}".encode()).decode()
    server = subprocess.Popen([*COMMAND, "serve", "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        host, port = address_said_by(server)
        settings = Settings(_env_file=None, data_dir=Path(folder), database_url=None)
        yield Store(host, port, f"Basic {secret}", EmbeddedServer(settings.data_dir / "postgres"))
    finally:
        server.terminate()
        server.wait(30)


def _pgbench(server: EmbeddedServer, size: int) -> float:
    """Rows a second that pgbench inserts, `size` to a transaction, into a table of the same columns without indexes."""
    with psycopg.connect(server.conninfo(role=OWNER_ROLE), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS benchmark_bare")
        connection.execute("CREATE TABLE benchmark_bare (LIKE xapi_statement)")
        cursor = psycopg.ClientCursor(connection)
        rows = [
            cursor.mogrify(
                "(clock_timestamp(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),"
                " gen_random_uuid(), gen_random_uuid(), NULL, now(), '2.0.0', 'question', 61, %s::jsonb)",
                [json.dumps(statement_of(place))],
            )
            for place in range(size)
        ]
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("INSERT INTO benchmark_bare VALUES " + ", ".join(rows) + ";\n")  # noqa: S608 - our own rows
        script.flush()
        Path(script.name).chmod(0o644)
        command = [
            str(server.tool("pgbench")), "--no-vacuum", "--protocol=simple", f"--client={_connections(size)}",
            "--jobs=2", f"--time={SECONDS}", f"--file={script.name}", server.conninfo(role=OWNER_ROLE),
        ]  # fmt: skip
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    assert found is not None, said
    return float(found[1]) * size
