"""Kills workers and the database while letters are carried, and counts what a mail server has really accepted.

The long run, on a database of its own (some minutes; prints one line of figures and exits 1 when one is not as it must
be):

    python -m tests.messaging.mail.kills 10000 20

Half of the kills hit every worker, a quarter a worker and a web server, a quarter every process of the database. The
server waits up to 8 ms between accepting a letter and saying so, so that many kills fall between the two.
"""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from sqlalchemy import text

from academe.identity.models import Account, OrgUnit, Person
from academe.identity.types import OrgUnitKind
from academe.messaging.api import Notice, notify
from academe.messaging.types import NotificationKind
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.ids import new_id
from academe.platform.settings import Settings
from tests.messaging.mail.smtp_server import LOOPBACK, SmtpServer
from tests.support.databases import TEMPLATE, ServerOfTests

SYSTEM: Final = system_actor("test")
RETURN: Final = "bounces@kills.example"
WORKERS: Final = 2
LEASE_SECONDS: Final = 4
SETTLE_SECONDS: Final = 3

# What the worker runs, with leases and waits short enough for a test; `academe worker` runs the same function.
_WORKER: Final = f"""
import asyncio, signal
from academe.messaging.mail.carrier import carry_mail
from academe.platform.database.session import Database
from academe.platform.settings import Settings

async def main():
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    database = Database(Settings(_env_file=None))
    await carry_mail(database, stopping, lease_seconds={LEASE_SECONDS}, first_wait_seconds=0.5)
    await database.close()

asyncio.run(main())
"""
_SERVE: Final = "from academe.cli import app; app()"


@dataclass(frozen=True)
class Outcome:
    """What was asked for, and what a mail server has accepted."""

    letters: int
    kills: int
    receivers: int
    twice: int
    missing: int
    doubts: int
    statuses: dict[str, int]
    seconds: float

    @property
    def is_right(self) -> bool:
        """Each delivered, none twice."""
        return self.twice == 0 and self.missing == 0 and self.statuses == {"sent": self.letters}


class Processes:
    """Workers and a web server, started again as often as they are killed."""

    def __init__(self, settings: Settings, post: SmtpServer, log: Path) -> None:
        self._log = log
        self._environment = os.environ | {
            "ACADEME_DATA_DIR": str(settings.data_dir),
            "DATABASE_URL": str(settings.database_url),
            "ACADEME_SMTP_HOST": LOOPBACK,
            "ACADEME_SMTP_PORT": str(post.port),
            "ACADEME_SMTP_SECURITY": "none",
            "ACADEME_MAIL_RETURN_ADDRESS": RETURN,
            "ACADEME_MAIL_RETURN_FOLDER": str(post.maildir),
            "ACADEME_MAIL_SETTLE_SECONDS": str(SETTLE_SECONDS),
            "ACADEME_MAIL_PER_MINUTE": "1000000",
            "ACADEME_PORT": "0",
        }
        self.workers: list[subprocess.Popen[bytes]] = []
        self.web: list[subprocess.Popen[bytes]] = []

    def start(self, *, web: bool = False) -> None:
        """Start what does not run."""
        while len(self.workers) < WORKERS:
            self.workers.append(self._started(_WORKER))
        if web and not self.web:
            self.web.append(self._started(_SERVE, "serve"))

    def kill(self, several: list[subprocess.Popen[bytes]]) -> None:
        """SIGKILL, to these and to nobody else."""
        for process in several:
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=30)
        several.clear()

    def _started(self, script: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", script, *arguments], env=self._environment, stdout=log, stderr=log
            )


async def write_letters(settings: Settings, count: int) -> None:
    """Tell `count` people with an address something, in one transaction."""
    database = Database(settings)
    root = new_id()
    async with database.transaction(SYSTEM, timeout_seconds=300) as session:
        node = OrgUnit(id=root, institution_id=root, kind=OrgUnitKind.INSTITUTION, code=f"kills-{root}", name="Kills")
        session.add(node)
        await session.flush()
        people = [Person(id=new_id(), institution_id=root, display_name=f"Person {n}") for n in range(count)]
        session.add_all(people)
        await session.flush()
        session.add_all(Account(person_id=each.id, email=f"p{n}@kills.example") for n, each in enumerate(people))
        await session.flush()
        notice = Notice(NotificationKind.GRADE, "A letter of the test", "\n".join(["A line."] * 20), "/", "kills:1")
        told = await notify(session, actor=SYSTEM, notice=notice, receivers=[each.id for each in people])
        assert told == count
    await database.close()


async def statuses(settings: Settings) -> dict[str, int]:
    """How many letters are in which state."""
    database = Database(settings)
    try:
        async with database.transaction(SYSTEM) as session:
            rows = await session.execute(text("SELECT status, count(*) FROM mail_message GROUP BY status"))
            return dict(iter(rows))
    finally:
        await database.close()


def carry_under_fire(
    settings: Settings, folder: Path, *, letters: int, kills: int, kill_database: Callable[[], None] | None = None
) -> Outcome:
    """Have the letters carried, with that many kills spread over the time that it takes."""
    started = time.monotonic()
    asyncio.run(write_letters(settings, letters))
    with SmtpServer(RETURN, folder / "maildir", most_delay_seconds=0.008) as post:
        processes = Processes(settings, post, folder / "processes.log")
        chance = random.Random(7)
        try:
            for number in range(1, kills + 1):
                processes.start(web=kill_database is not None)
                _until(lambda due=number: len(post.deliveries) >= letters * due // (kills + 2))  # type: ignore[misc]  # mypy does not see that the default makes it nullary
                time.sleep(chance.uniform(0, 0.05))
                if kill_database is not None and number % 4 == 0:
                    kill_database()
                elif number % 4 == 2:
                    processes.kill([processes.workers.pop(), *processes.web])
                    processes.web.clear()
                else:
                    processes.kill(processes.workers)
            processes.start()
            doubts = _until_sent(settings, letters)
            time.sleep(2 * SETTLE_SECONDS)  # whoever would send one again has the time to
        finally:
            processes.kill(processes.workers)
            processes.kill(processes.web)
        accepted = Counter(each.receivers[0] for each in post.deliveries)
    return Outcome(
        letters,
        kills,
        len(accepted),
        twice=sum(1 for count in accepted.values() if count > 1),
        missing=letters - len(accepted),
        doubts=doubts,
        statuses=asyncio.run(statuses(settings)),
        seconds=round(time.monotonic() - started, 1),
    )


def _until(holds: Callable[[], bool], *, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "nothing happens any more"
        time.sleep(0.002)


def _until_sent(settings: Settings, letters: int) -> int:
    """Wait until all are sent; returns the most that were in doubt at once."""
    doubts = 0

    def all_sent() -> bool:
        nonlocal doubts
        found = asyncio.run(statuses(settings))
        doubts = max(doubts, found.get("unknown", 0))
        return found == {"sent": letters}

    _until(all_sent)
    return doubts


def main(arguments: Sequence[str]) -> int:
    """The long run."""
    letters, kills = int(arguments[0]), int(arguments[1])
    folder = Path(tempfile.mkdtemp(prefix="academe-kills-"))
    folder.chmod(0o755)
    server = ServerOfTests(folder)
    try:
        server.ensure_template()
        settings = server.clone("academe_kills", template=TEMPLATE)
        with server.superuser() as connection:
            # The server of tests does not wait for the log; here, what is committed must survive its processes.
            connection.execute("ALTER SYSTEM RESET synchronous_commit")
            connection.execute("SELECT pg_reload_conf()")

        def kill_database() -> None:
            postmaster = int((server.embedded.folder / "postmaster.pid").read_text().splitlines()[0])
            several = [psutil.Process(postmaster), *psutil.Process(postmaster).children()]
            for process in several:
                process.kill()
            psutil.wait_procs(several, timeout=30)
            server.embedded.ensure_running()

        outcome = carry_under_fire(settings, folder, letters=letters, kills=kills, kill_database=kill_database)
    finally:
        server.embedded.stop()
    sys.stdout.write(f"{outcome}\n")
    shutil.rmtree(folder)
    return 0 if outcome.is_right else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
