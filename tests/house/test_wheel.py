"""The built package works without a checkout: it brings its front end and its migrations."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from academe.platform.database import migrate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ASKED = "from academe.platform.database import migrate; print(migrate.MIGRATIONS, migrate.head())"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer would, in a folder whose name is no easy one."""
    folder = tmp_path_factory.mktemp("wheel 50%")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("academe-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "packages")
    return folder / "packages"


def test_it_holds_every_migration(installed: Path) -> None:
    theirs = {file.name for file in (installed / "academe/migrations/versions").glob("*.py")}
    assert theirs == {file.name for file in (ROOT / "migrations/versions").glob("*.py")}


def test_its_migrations_are_its_own(installed: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", ASKED],
        cwd=installed.parent,
        env=os.environ | {"PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.strip()
    assert found == f"{installed / 'academe/migrations'} {migrate.head()}"


def test_it_holds_the_front_end(installed: Path) -> None:
    built = installed / "academe/platform/static/dist"
    assert (built / "manifest.json").is_file()
    assert list(built.glob("app-*.js"))
