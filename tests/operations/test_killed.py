"""Whoever is killed in the middle of an import, the next run ends with the same rows as one that was not."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from academe.operations.api import import_oulad
from academe.platform.actor import Actor
from academe.platform.database.migrate import upgrade
from academe.platform.database.session import Database
from academe.platform.settings import Settings
from tests.operations.mini_oulad import MiniOulad
from tests.operations.state import counts
from tests.operations.test_import_oulad import EXPECTED
from tests.support.embedded import postmaster, scratch_folder, wait_until_dead

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

# Imports, stops in the middle of the step after the enrolments, says so, and waits to be killed.
IMPORT = """
import asyncio, sys, time
from pathlib import Path
from academe.operations.api import import_oulad
from academe.operations.steps import Run
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.settings import Settings

async def main():
    database = Database(Settings(_env_file=None, data_dir=Path(sys.argv[1])))
    step = Run.step
    async def slow(run, name, work):
        async def and_wait(session):
            loaded = await work(session)
            if name == "results":
                print("in the middle", flush=True)
                await asyncio.sleep(60)
            return loaded
        return await step(run, name, and_wait)
    Run.step = slow
    await import_oulad(database, actor=system_actor("import oulad"), source=Path(sys.argv[2]))

asyncio.run(main())
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder with a server of its own, migrated."""
    with scratch_folder() as folder:
        upgrade(Settings(_env_file=None, data_dir=folder))
        yield folder


@pytest.fixture
def halfway(data_dir: Path, mini: MiniOulad, tmp_path: Path) -> Iterator[Popen[str]]:
    """A process that has written the results and not yet committed them."""
    source = mini.archive(tmp_path / "mini.zip")
    command = [sys.executable, "-c", IMPORT, str(data_dir), str(source)]
    with Popen(command, stdout=PIPE, stderr=PIPE, text=True, env=os.environ | {"DATABASE_URL": ""}) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        if said != "in the middle\n":
            _, fault = process.communicate()
            pytest.fail(fault)
        yield process
        process.kill()


async def goes_on(data_dir: Path, importer: Actor, source: Path) -> None:
    database = Database(Settings(_env_file=None, data_dir=data_dir))
    left = await counts(database)
    assert (left["enrollment"], left["result"]) == (EXPECTED["enrollment"], 0)
    summary = await import_oulad(database, actor=importer, source=source)
    resumed = {step.name for step in summary.steps if step.resumed}
    assert {"catalogue", "people", "students", "enrolments"} <= resumed
    assert "results" not in resumed
    assert await counts(database) == EXPECTED
    await database.close()


class TestKilled:
    async def test_the_importing_process(
        self, data_dir: Path, halfway: Popen[str], importer: Actor, mini: MiniOulad, tmp_path: Path
    ) -> None:
        halfway.send_signal(signal.SIGKILL)
        halfway.wait(timeout=10)
        await goes_on(data_dir, importer, mini.archive(tmp_path / "again.zip"))

    async def test_the_database_server(
        self, data_dir: Path, halfway: Popen[str], importer: Actor, mini: MiniOulad, tmp_path: Path
    ) -> None:
        server = postmaster(data_dir / "postgres")
        os.kill(server, signal.SIGKILL)
        wait_until_dead(server)
        assert halfway.wait(timeout=60) == 1
        await goes_on(data_dir, importer, mini.archive(tmp_path / "again.zip"))
