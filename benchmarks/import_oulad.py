"""`academe benchmark import`: the whole import of the data set against raw COPY of its log into one bare table.

Both run on the same new embedded server, one after the other, each after a checkpoint. The reference is what PostgreSQL
needs for the 10,655,280 rows of the log alone, as text, with one index on (student, date), and no key, no rules, no
check of any value; it is measured before and after the import, and the mean counts.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from academe.operations.oulad.files import find_source
from academe.operations.oulad.layout import FILES, STUDENT_VLE
from academe.platform.database.embedded import EmbeddedServer
from academe.platform.database.engine import OWNER_ROLE
from academe.platform.database.migrate import upgrade
from academe.platform.settings import Settings
from benchmarks.framework import Context, Measure, absolute, relative

MOST_RATIO: Final = 2.5
MOST_MEGABYTES: Final = 400
PIECE: Final = 256 * 1024
COMMAND: Final = (sys.executable, "-c", "from academe.cli import app; app()", "import", "oulad")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command: seconds on the clock, peak memory in bytes, and what it printed for programs."""

    seconds: float
    peak: int
    said: dict[str, object]


def measure(context: Context) -> Sequence[Measure]:
    """The measures of the benchmark; `context.data` is the data set's zip or folder."""
    if context.data is None:
        raise FileNotFoundError(2, "the benchmark needs --data PATH, the data set's zip or folder")
    return measure_import(context.data, context)


def measure_import(path: Path, context: Context) -> list[Measure]:
    """Measure the reference, the import, and a second import that finds everything in place."""
    with new_server() as (server, data_dir):
        context.say("Raw COPY of the log into one table, and its index")
        reference = raw_copy(server, path)
        context.say("Import of the whole data set")
        first = run_import(server, data_dir, path)
        context.say("Raw COPY again, because machines are faster at one time than at another")
        reference = (reference + raw_copy(server, path)) / 2
        context.say("Second import of the same files")
        second = run_import(server, data_dir, path)
    if (second.said["inserted"], second.said["updated"]) != (0, 0):
        raise AssertionError(f"the second import changed something: {second.said}")
    return [
        relative("import of the whole data set", first.seconds, reference, "s", "at most", MOST_RATIO),
        absolute("peak memory of the importing process", first.peak / 1e6, "MB", "at most", MOST_MEGABYTES),
        absolute("second import, which changes nothing", second.seconds, "s"),
        absolute("peak memory of the second import", second.peak / 1e6, "MB"),
    ]


@contextmanager
def new_server() -> Iterator[tuple[EmbeddedServer, Path]]:
    """A migrated server in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="academe-benchmark-"))
    folder.chmod(0o755)  # the server's account has to enter it when root runs the benchmark
    server = EmbeddedServer(folder / "postgres")
    try:
        upgrade(Settings(_env_file=None, data_dir=folder, database_url=None))
        yield server, folder
    finally:
        server.stop()
        shutil.rmtree(folder)


def checkpoint(server: EmbeddedServer) -> None:
    """Write everything to disk, so that what was before costs nothing in what is measured next."""
    with psycopg.connect(server.conninfo(role="postgres"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def raw_copy(server: EmbeddedServer, path: Path) -> float:
    """Seconds for COPY of the log as it is in the file, and one index."""
    checkpoint(server)
    source = find_source(path, tuple(file.name for file in FILES))
    with psycopg.connect(server.conninfo(role=OWNER_ROLE), autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE raw_click (code_module text, code_presentation text, id_student integer, id_site integer,"
            " date integer, sum_click integer)"
        )
        began = time.monotonic()
        copying = connection.cursor().copy("COPY raw_click FROM STDIN (FORMAT csv, HEADER)")
        with source.open(STUDENT_VLE.name) as file, copying as copy:
            while piece := file.read(PIECE):
                copy.write(piece)
        connection.execute("CREATE INDEX ON raw_click (id_student, date)")
        seconds = time.monotonic() - began
        connection.execute("DROP TABLE raw_click")
    return seconds


def run_import(server: EmbeddedServer, data_dir: Path, path: Path) -> Run:
    """Run the command as a user would; it starts Python, reads, checks and writes."""
    checkpoint(server)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            [*COMMAND, str(path), "--json"],
            stdout=output,
            env=environment | {"ACADEME_DATA_DIR": str(data_dir)},
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, "academe import oulad")
        output.seek(0)
        # Linux counts the peak in kibibytes, macOS in bytes.
        peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
        return Run(seconds, peak, json.loads(output.read()))
