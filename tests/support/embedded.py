"""Folders, processes and questions for the tests that start embedded servers of their own."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from academe.platform.database.embedded import EmbeddedServer
from academe.platform.database.embedded.process import PostmasterFile
from academe.platform.database.embedded.settings import GIB

IS_ROOT = os.geteuid() == 0
NOBODY = 65534
MEMORY, DISK = Path("/dev/shm"), Path("/tmp")  # noqa: S108 - the folders made there are private

ENSURE = """
import sys
from pathlib import Path
from academe.platform.database.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.ensure_running()
print((server.folder / "postmaster.pid").read_text().splitlines()[0], flush=True)
"""


def roomy_place() -> Path:
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 * GIB
    return MEMORY if is_roomy else DISK


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that the server's account may enter when root runs the tests; pytest's own are closed to it.

    In memory where there is plenty: a first start waits for a thousand files to reach a busy disk.
    """
    base = Path(tempfile.mkdtemp(prefix="academe-embedded-", dir=roomy_place()))
    base.chmod(0o755 if IS_ROOT else 0o700)
    try:
        yield base
    finally:
        for folder in {path.parent for path in base.rglob("postmaster.pid")}:
            EmbeddedServer(folder).stop()
        shutil.rmtree(base)


def postmaster(folder: Path) -> int:
    said = PostmasterFile.read(folder)
    assert said is not None
    return said.pid


def starter(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until_dead(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(timeout=10)


def scalar(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
