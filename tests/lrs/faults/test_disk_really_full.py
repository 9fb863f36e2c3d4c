"""The disk of the database is really full: writers are told what is full, readers read on, and it passes by itself.

The folder of the embedded server lies on a small disk in memory, which is filled while a client sends. First the tables
find no room, which PostgreSQL survives; then its write-ahead log finds none either, which it does not.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
import psycopg
import pytest

from academe.platform.database.embedded import EmbeddedServer
from academe.platform.database.migrate import upgrade
from academe.platform.settings import Environment, Settings
from tests.lrs.faults.server import ServerProcess, WorkerProcess, faults_in, new_sender, serving, stored_ids
from tests.lrs.statements.brought import a_statement
from tests.support.embedded import IS_ROOT, scalar

pytestmark = pytest.mark.slow

MIB: Final = 2**20
HEADERS: Final = {"X-Experience-API-Version": "2.0.0"}
SECONDS: Final = 60.0
# A worker that came up after the disk was full has no position yet.
IS_COUNTED: Final = """
    SELECT coalesce((SELECT position FROM xapi_follower WHERE name = 'activity_day')
        >= (SELECT max(stored) FROM xapi_statement), false)"""
FULL: Final = "The disk of the database is full."


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 700 MiB for the data folder; where none can be mounted the test is skipped."""
    folder = Path(tempfile.mkdtemp(prefix="academe-full-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=700m,mode=755", "tmpfs", str(folder)]
    if not IS_ROOT or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        folder.rmdir()
        pytest.skip("a small disk can only be mounted by a privileged root")
    try:
        yield folder
    finally:
        EmbeddedServer(folder / "postgres").stop()
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


@pytest.fixture
def settings(small_disk: Path) -> Settings:
    """A server that knows the folder, and no address."""
    made = Settings(
        _env_file=None, environment=Environment.DEVELOPMENT, data_dir=small_disk, database_url=None,
        database_owner_url=None, database_replica_url=None,
    )  # fmt: skip
    EmbeddedServer(small_disk / "postgres").ensure_running()
    upgrade(made)
    return made


def fill(disk: Path, *, leave: int) -> Path:
    """Take the space of the disk but for `leave` bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        status = os.statvfs(disk)
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - leave)
    return ballast


def sent(client: httpx.Client) -> tuple[int, list[str], str]:
    """A batch of 200: its status, its ids, and what was said."""
    batch = [a_statement(id=str(uuid4()), result={"response": "x" * 2_000}) for _ in range(200)]
    answer = client.post("/statements", json=batch)
    told = answer.json()["detail"] if answer.status_code >= 500 else ""
    if answer.status_code in (503, 507):
        assert int(answer.headers["Retry-After"]) > 0
    return answer.status_code, [one["id"] for one in batch], told


def send_until(client: httpx.Client, acknowledged: list[str], *, wanted: str) -> None:
    """Send until an answer says what is `wanted` (nothing: it was stored)."""
    end = time.monotonic() + SECONDS
    told: list[str] = []
    while time.monotonic() < end:
        status, ids, detail = sent(client)
        assert status in (200, 503, 507), detail
        if status == 200:
            acknowledged += ids
        if detail.startswith(wanted) if wanted else status == 200:
            return
        told.append(f"{status} {detail}")
        if status != 200:
            time.sleep(0.1)
    raise AssertionError(f"not within {SECONDS} s; the last answers: {told[-5:]}")


def exhaust_log(conninfo: str) -> None:
    """Make PostgreSQL begin new files of its write-ahead log until it finds no room for one and ends."""
    connection = psycopg.connect(conninfo, autocommit=True)
    try:
        for _ in range(100):
            connection.execute("SELECT txid_current()")
            connection.execute("SELECT pg_switch_wal()")
    except psycopg.OperationalError:
        return
    finally:
        connection.close()
    raise AssertionError("there was room for a hundred files of the write-ahead log")


def require_refusals(client: httpx.Client) -> None:
    """Whatever is sent is refused, with a sentence for the sender that names no file of the server."""
    for _ in range(10):
        status, _, detail = sent(client)
        assert status in (503, 507)
        assert detail.endswith(".")
        assert "postgres" not in detail


def require_counted(conninfo: str) -> None:
    """The follower of the rollup, in the worker, goes on by itself and comes to the newest statement."""
    end = time.monotonic() + SECONDS
    while not scalar(conninfo, IS_COUNTED):
        assert time.monotonic() < end, "the rollup did not go on"
        time.sleep(0.1)


def disk_check_of(process: ServerProcess) -> dict[str, object]:
    checks = httpx.get(f"{process.address}/health/ready", timeout=30).json()["checks"]
    return next(check for check in checks if check["name"] == "disk")


def test_the_disk_fills_under_load_and_is_freed(small_disk: Path, settings: Settings) -> None:
    auth = new_sender(settings)
    acknowledged: list[str] = []
    conninfo = EmbeddedServer(small_disk / "postgres").conninfo(role="postgres")
    with (
        serving(settings) as process,
        WorkerProcess(settings) as worker,
        httpx.Client(base_url=f"{process.address}/xapi", auth=auth, headers=HEADERS, timeout=60) as client,
    ):
        send_until(client, acknowledged, wanted="")
        ballast = fill(small_disk, leave=60 * MIB)
        send_until(client, acknowledged, wanted=FULL)
        require_refusals(client)
        assert client.get("/statements", params={"limit": "3"}).status_code == 200
        check = disk_check_of(process)
        assert not check["ok"]
        assert "MiB free" in str(check["detail"])
        ballast.unlink()
        send_until(client, acknowledged, wanted="")

        ballast = fill(small_disk, leave=0)
        exhaust_log(conninfo)
        require_refusals(client)
        ballast.unlink()
        send_until(client, acknowledged, wanted="")
        assert client.get("/statements", params={"limit": "3"}).status_code == 200
        require_counted(conninfo)
        assert worker.is_running()
    assert set(acknowledged) <= set(stored_ids(conninfo)), "an acknowledged statement is lost"
    assert faults_in(conninfo) == {}
