"""Kills worker, other store and database while statements are forwarded, and compares what both stores have.

The long run, on databases of its own (some minutes; prints one line of figures and exits 1 when one is not as it must
be):

    python -m tests.lrs.forwarding.kills 20000 50

A quarter of the kills hit the other store, a quarter every process of the database, the others the worker. With 0
kills, it measures: statements a second from the worker's first request to the last acknowledgement.
"""

import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil
import psycopg

from academe.lrs.forwarding.service import ForwardWanted, add_forward
from academe.lrs.forwarding.types import ForwardFilter, ForwardVersion
from academe.lrs.statements.intake import Intake
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.settings import Settings
from tests.lrs.faults.server import ServerProcess, WorkerProcess, new_sender, serving, stored_ids
from tests.lrs.forwarding.stores import statement
from tests.lrs.statements.brought import batch_of
from tests.support.databases import ServerOfTests

SYSTEM: Final = system_actor("test")
HERE, THERE = "academe_forward_here", "academe_forward_there"
BATCH: Final = 500
LONG: Final = 900.0


@dataclass(frozen=True)
class Outcome:
    """What was sent here, and what is there; `delivered` is what this store believes to have been acknowledged."""

    statements: int
    kills: int
    there: int
    missing: int
    others: int
    twice: int
    delivered: int
    dead_letters: int
    seconds: float

    @property
    def is_right(self) -> bool:
        """Each there, none twice, and counted as such."""
        return (self.missing, self.others, self.twice, self.dead_letters) == (0, 0, 0, 0) and (
            self.there == self.delivered == self.statements
        )


async def fill(settings: Settings, count: int) -> None:
    """Store statements here, as senders' requests do."""
    database = Database(settings)
    try:
        intake = Intake(database, limit_bytes=100_000_000)
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            await intake.store(batch_of(*(statement(number) for number in numbers)))
    finally:
        await database.close()


async def forward_to(settings: Settings, address: str, key: str, secret: str) -> None:
    """Let everything go on to the other store."""
    database = Database(settings)
    wanted = ForwardWanted("There", f"{address}/xapi", ForwardVersion.TWO, ForwardFilter(), key, secret)
    try:
        async with database.transaction(SYSTEM) as session:
            since = datetime(2020, 1, 1, tzinfo=UTC)
            await add_forward(session, actor=SYSTEM, settings=settings, wanted=wanted, institution_id=None, since=since)
    finally:
        await database.close()


def number(server: ServerOfTests, database: str, query: str) -> int:
    """One number from a database, as whoever may read everything."""
    with psycopg.connect(server.embedded.conninfo(role="postgres", database=database)) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0] or 0)


class Forwarding:
    """Both stores, the worker between them, and what can befall each."""

    def __init__(self, server: ServerOfTests, here: Settings, there: ServerProcess, count: int) -> None:
        self._server, self._there, self._count = server, there, count
        self._worker = WorkerProcess(here)

    def run(self, kills: int, *, with_database: bool) -> float:
        """Forward it all, with kills spread over it; returns the seconds from the first request to the last answer."""
        chance = random.Random(11)
        try:
            self._worker.start()
            self._until(lambda: self._delivered() > 0)
            begun = time.monotonic()
            for kill in range(kills):
                due = self._count * (kill + 1) // (kills + 2)
                self._until(lambda due=due: self._delivered() >= due)  # type: ignore[misc]  # mypy does not see that the default makes it nullary
                time.sleep(chance.uniform(0.0, 0.05))
                self._kill(kill, with_database=with_database)
            self._until(lambda: self._delivered() >= self._count)
            return time.monotonic() - begun
        finally:
            self._worker.kill()

    def _kill(self, kill: int, *, with_database: bool) -> None:
        if kill % 4 == 1:
            self._there.kill()
            self._there.start()
        elif kill % 4 == 3 and with_database:
            kill_database(self._server)
        else:
            self._worker.kill()
            self._worker.start()

    def _delivered(self) -> int:
        return number(self._server, HERE, "SELECT sum(delivered) FROM xapi_forward_progress")

    def _until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + LONG
        while not holds():
            assert self._worker.is_running(), "the worker ended by itself; its log says why"
            assert time.monotonic() < end, "nothing happens any more"
            time.sleep(0.01)


def kill_database(server: ServerOfTests) -> None:
    """Every process of it, with SIGKILL, and start it again."""
    postmaster = int((server.embedded.folder / "postmaster.pid").read_text().splitlines()[0])
    several = [psutil.Process(postmaster), *psutil.Process(postmaster).children()]
    for process in several:
        process.kill()
    psutil.wait_procs(several, timeout=30)
    server.embedded.ensure_running()


def forward_under_fire(server: ServerOfTests, *, statements: int, kills: int, with_database: bool = False) -> Outcome:
    """Fill one store, have the other one get it, and compare them."""
    here, there = server.clone(HERE), server.clone(THERE)
    try:
        key, secret = new_sender(there)
        asyncio.run(fill(here, statements))
        with serving(there) as store:
            asyncio.run(forward_to(here, store.address, key, secret))
            seconds = Forwarding(server, here, store, statements).run(kills, with_database=with_database)
        sent, found = (stored_ids(server.embedded.conninfo(role="postgres", database=name)) for name in (HERE, THERE))
        return Outcome(
            statements,
            kills,
            len(found),
            missing=len(set(sent) - set(found)),
            others=len(set(found) - set(sent)),
            twice=len(found) - len(set(found)),
            delivered=number(server, HERE, "SELECT sum(delivered) FROM xapi_forward_progress"),
            dead_letters=number(server, HERE, "SELECT count(*) FROM xapi_forward_letter"),
            seconds=round(seconds, 1),
        )
    finally:
        server.drop(HERE)
        server.drop(THERE)


def main(arguments: Sequence[str]) -> int:
    """The long run."""
    statements, kills = int(arguments[0]), int(arguments[1])
    folder = Path(tempfile.mkdtemp(prefix="academe-forwards-"))
    folder.chmod(0o755)
    server = ServerOfTests(folder)
    if kills:
        os.environ["ACADEME_XAPI_FORWARD_STATEMENTS"] = "20"  # many requests, so that kills fall between their parts
    try:
        server.ensure_template()
        with server.superuser() as connection:
            # The server of tests does not wait for the disk; here, what is committed must survive its processes.
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM RESET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
        outcome = forward_under_fire(server, statements=statements, kills=kills, with_database=True)
    finally:
        server.embedded.stop()
    sys.stdout.write(f"{outcome}\n{statements / outcome.seconds:,.0f} statements/s\n")
    shutil.rmtree(folder)
    return 0 if outcome.is_right else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
