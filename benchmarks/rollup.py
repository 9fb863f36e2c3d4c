"""`academe benchmark rollup`: how far `activity_day` is behind while statements come at a steady rate.

One server process, one worker with its follower, and their database. First nobody knows the actors and activities, then
they are students and offerings, whose days are summed for the risk scores as well. Batches are sent at fixed times
whether or not the ones before were answered late. Meanwhile the newest statement is compared with the newest that was
counted, and statements by actors whom nobody has seen are looked for in the rollup. In the end, it is compared with a
rebuild.
"""

import http.client
import json
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

from academe.lrs.keys import key_uuid
from academe.lrs.xapi.identity import key_of
from academe.platform.database.embedded import EmbeddedServer
from academe.platform.settings import Settings
from benchmarks.framework import Context, Measure, absolute
from benchmarks.known import found_school, statement_about
from benchmarks.lrs import Store, environment_of, served_store
from benchmarks.lrs_rows import HOME, statement_of
from benchmarks.served import COMMAND

RATE: Final = 2_000
"""Statements a second."""

BATCH: Final = 50
SECONDS: Final = 30
SENDERS: Final = 8
DIFFERENT: Final = 200
"""Different batches, sent in turn: 10,000 different days of activity."""

LOOK_EVERY: Final = 0.2
PROBE_EVERY: Final = 0.5
LIMIT: Final = 2.0
"""Seconds that the rollup may be behind."""

# Infinite until anything was counted: the worker starts when the first statements come.
_BEHIND: Final = """
    SELECT coalesce(extract(epoch FROM (SELECT max(stored) FROM xapi_statement)
        - (SELECT position FROM xapi_follower WHERE name = 'activity_day'))::float, 'infinity')"""
_COUNTED: Final = "SELECT EXISTS (SELECT FROM activity_day WHERE actor_id = %s)"
_NEWS: Final = "SELECT count(*) FROM outbox_message WHERE delivered_at IS NULL"
_LEARNER_DAYS: Final = "SELECT count(*) FROM learner_day"
_OTHER_CLICKS: Final = """
    SELECT count(*) FROM (SELECT offering_id, sum(clicks) AS clicks FROM learner_day GROUP BY 1) d
    FULL JOIN (SELECT context_id, sum(count) AS clicks FROM activity_day JOIN offering ON id = context_id GROUP BY 1) a
        ON a.context_id = d.offering_id
    WHERE a.clicks IS DISTINCT FROM d.clicks"""
_DAYS: Final = "SELECT d::text FROM activity_day d ORDER BY 1"


def measure(context: Context) -> Sequence[Measure]:
    """The rate that was kept, how far the rollup was behind, and whether it is what a rebuild makes."""
    with tempfile.TemporaryDirectory(prefix="academe-benchmark-") as folder:
        Path(folder).chmod(0o755)  # the database server's account has to enter it when root runs the benchmark
        server = EmbeddedServer(Path(folder) / "postgres")
        try:
            with served_store(folder) as store, _worker(folder):
                conninfo = store.postgres.conninfo(role="postgres")
                context.say("Sending what is new once")
                _send(store, seconds=DIFFERENT * BATCH / RATE, offset=0)
                _wait_until_counted(conninfo)
                context.say(f"Sending {RATE:,} statements a second for {SECONDS} s")
                yielded = _under_load(store, conninfo, statement_of, "by strangers")
                yielded += _known(store, conninfo, context)
            context.say("Counting anew")
            return [*yielded, _beside_a_rebuild(folder, conninfo)]
        finally:
            server.stop()


def _known(store: Store, conninfo: str, context: Context) -> list[Measure]:
    """The same about students in their offerings, and how long the news of it waits."""
    found_school(conninfo)
    about = partial(statement_about, settings=Settings(_env_file=None))
    context.say(f"Sending {RATE:,} statements a second for {SECONDS} s about students")
    measured = _under_load(store, conninfo, about, "by students")
    began = time.monotonic()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        waiting = int(_value(connection, _NEWS))
        _wait(lambda: int(_value(connection, _NEWS)) == 0, every=0.1)
        if not _value(connection, _LEARNER_DAYS):
            raise AssertionError("no day of a learner was summed")
        if other := _value(connection, _OTHER_CLICKS):
            raise AssertionError(f"{other} learners have other days than their activity")
    return [
        *measured,
        absolute("pieces of news about them that wait at the end", waiting, "pieces"),
        absolute("until the days of learners have all of it", time.monotonic() - began, "s", "at most", LIMIT),
    ]


def _under_load(store: Store, conninfo: str, made: Callable[[int], dict[str, Any]], by: str) -> list[Measure]:
    ending = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        looking = pool.submit(_looks, conninfo, ending)
        probing = pool.submit(_probes, store, conninfo, ending)
        try:
            rate = _send(store, seconds=SECONDS, offset=DIFFERENT, made=made)
        finally:
            ending.set()
        behind, until_counted = looking.result(), probing.result()
    _wait_until_counted(conninfo)
    return [
        absolute(f"statements stored, {by}", rate, "statements/s", "at least", RATE * 0.99),
        absolute(f"the rollup behind, median, {by}", statistics.median(behind), "s"),
        absolute(f"the rollup behind, at most, {by}", max(behind), "s", "at most", LIMIT),
        absolute(f"from sending to being counted, median, {by}", statistics.median(until_counted), "s"),
        absolute(f"from sending to being counted, at most, {by}", max(until_counted), "s", "at most", LIMIT),
    ]


def _send(store: Store, *, seconds: float, offset: int, made: Callable[[int], dict[str, Any]] = statement_of) -> float:
    """Send batches at their times over several connections; returns the statements stored a second."""
    bodies = [json.dumps([made(batch * BATCH + place) for place in range(BATCH)]) for batch in range(DIFFERENT)]
    batches = round(seconds * RATE / BATCH)
    turns, began = count(), time.monotonic()

    def work() -> None:
        with closing(http.client.HTTPConnection(store.host, store.port)) as connection:
            while (turn := next(turns)) < batches:
                time.sleep(max(0.0, began + turn * BATCH / RATE - time.monotonic()))
                _post(connection, store, bodies[(offset + turn) % DIFFERENT])

    with ThreadPoolExecutor(SENDERS) as pool:
        for each in [pool.submit(work) for _ in range(SENDERS)]:
            each.result()
    # The last batch has its share of the time too.
    return batches * BATCH / max(time.monotonic() - began, seconds)


def _post(connection: http.client.HTTPConnection, store: Store, body: str) -> None:
    headers = {
        "Authorization": store.authorization,
        "Content-Type": "application/json",
        "X-Experience-API-Version": "2.0.0",
    }
    connection.request("POST", "/xapi/statements", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 200:
        raise AssertionError(f"POST answered {answer.status}: {said[:300]!r}")


def _looks(conninfo: str, ending: threading.Event) -> list[float]:
    """Seconds between the newest statement and the newest that was counted, looked at again and again."""
    found = []
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while not ending.wait(LOOK_EVERY):
            found.append(float(_value(connection, _BEHIND)))
    return found


def _probes(store: Store, conninfo: str, ending: threading.Event) -> list[float]:
    """Seconds from sending a statement of an actor whom nobody has seen until the actor has a day in the rollup."""
    found: list[float] = []
    with (
        psycopg.connect(conninfo, autocommit=True) as connection,
        closing(http.client.HTTPConnection(store.host, store.port)) as sending,
    ):
        for number in count():
            if ending.wait(PROBE_EVERY):
                return found
            actor = {"objectType": "Agent", "account": {"homePage": HOME, "name": f"fresh-{number}"}}
            key = key_uuid(str(key_of(actor)))
            began = time.monotonic()
            _post(sending, store, json.dumps({**statement_of(number), "actor": actor}))
            _wait(partial(_is_counted, connection, key), every=0.02)
            found.append(time.monotonic() - began)
    return found


def _is_counted(connection: "psycopg.Connection[tuple[Any, ...]]", actor: UUID) -> bool:
    return bool(_value(connection, _COUNTED, [actor]))


def _wait_until_counted(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        _wait(lambda: float(_value(connection, _BEHIND)) == 0, every=0.1)


def _wait(is_so: Callable[[], bool], *, every: float) -> None:
    ends = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > ends:
            raise AssertionError("the rollup did not come to the newest statement within a minute")
        time.sleep(every)


def _beside_a_rebuild(folder: str, conninfo: str) -> Measure:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        before = connection.execute(_DAYS).fetchall()
        subprocess.run([*COMMAND, "lrs", "rebuild"], env=environment_of(folder), check=True, stdout=subprocess.DEVNULL)
        after = connection.execute(_DAYS).fetchall()
    if not before:
        raise AssertionError("nothing was counted")
    different = len(set(before) ^ set(after)) + abs(len(before) - len(after))
    return absolute(f"of {len(after):,} activity days other than a rebuild has", different, "rows", "at most", 0)


def _value(connection: "psycopg.Connection[tuple[Any, ...]]", query: str, values: Sequence[object] = ()) -> Any:
    row = connection.execute(query.encode(), values).fetchone()
    return None if row is None else row[0]


@contextmanager
def _worker(folder: str) -> Iterator[None]:
    worker = subprocess.Popen([*COMMAND, "worker"], env=environment_of(folder))
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(60)
