"""`make setup` with stand-ins for uv and the front end, so that nothing is downloaded."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-setup.lock")


class Checkout:
    """A folder that looks like a fresh checkout whose virtual environment records what is asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        (folder / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts/setup.sh", folder / "scripts")
        (folder / "scripts/frontend.py").write_text("print('front end')")
        for name in (*LOCKS, "pyproject.toml"):
            (folder / name).write_text(name)
        self.make_environment()

    def make_environment(self) -> None:
        commands = self.folder / ".venv/bin"
        commands.mkdir(parents=True)
        (commands / "python").write_text(
            f'#!/bin/sh\n[ "$1 $2" = "-m pip" ] || exec {sys.executable} "$@"\n'
            f'[ "$3" = config ] || echo "$@" >> "{self.calls}"\nexit $PIP_FAILS\n'
        )
        (commands / "uv").write_text(f'#!/bin/sh\necho "$@" >> "{self.calls}"\nexit $UV_FAILS\n')
        for command in commands.iterdir():
            command.chmod(0o755)

    def setup(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "scripts/setup.sh", *arguments],
            env=os.environ | {"UV_FAILS": "0", "PIP_FAILS": "0"} | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def installed(self, *arguments: str) -> list[str]:
        """The locks that this call of setup installed."""
        self.calls.unlink(missing_ok=True)
        result = self.setup(*arguments)
        assert result.returncode == 0, result.stderr
        assert result.stdout.endswith("front end\n")
        calls = self.calls.read_text().splitlines() if self.calls.exists() else []
        syncs = [call.split() for call in calls if call.startswith("pip sync")]
        assert all("--require-hashes" in sync for sync in syncs)
        assert len(calls) == 2 * len(syncs), "the project itself is installed with every sync, and only then"
        return [lock for sync in syncs for lock in sync if lock in LOCKS[:2]]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "a checkout")


class TestSetup:
    def test_installs_once(self, checkout: Checkout) -> None:
        assert checkout.installed() == ["requirements.lock"]
        assert checkout.installed() == []

    def test_installs_again_when_the_lock_changed(self, checkout: Checkout) -> None:
        checkout.installed()
        (checkout.folder / "requirements.lock").write_text("changed")
        assert checkout.installed() == ["requirements.lock"]

    def test_keeps_what_the_tests_need_once_it_is_there(self, checkout: Checkout) -> None:
        checkout.installed()
        assert checkout.installed("dev") == ["requirements-dev.lock"]
        assert checkout.installed() == []
        (checkout.folder / "requirements-dev.lock").write_text("changed")
        assert checkout.installed("runtime") == ["requirements-dev.lock"]

    def test_keeps_the_test_tools_of_an_environment_made_by_hand(self, checkout: Checkout) -> None:
        pytest_command = checkout.folder / ".venv/bin/pytest"
        pytest_command.touch(mode=0o755)
        assert checkout.installed() == ["requirements-dev.lock"]

    def test_lets_pip_try_what_uv_cannot(self, checkout: Checkout) -> None:
        result = checkout.setup(UV_FAILS="1")
        assert result.returncode == 0
        assert "trying pip" in result.stdout
        first, second = [call for call in checkout.calls.read_text().splitlines() if call.startswith("-m pip")]
        assert "--require-hashes --requirement requirements.lock --requirement requirements-setup.lock" in first
        assert "--no-deps --no-build-isolation --editable ." in second
        assert checkout.installed() == []

    def test_tries_again_after_a_failed_installation(self, checkout: Checkout) -> None:
        failed = checkout.setup(UV_FAILS="1", PIP_FAILS="1")
        assert failed.returncode == 1
        assert "could not install requirements.lock" in failed.stderr
        assert checkout.installed() == ["requirements.lock"]

    def test_makes_a_new_environment_when_the_checkout_was_moved(self, checkout: Checkout) -> None:
        checkout.installed()
        moved = checkout.folder.with_name("elsewhere")
        checkout.folder.rename(moved)
        result = subprocess.run(
            [moved / "scripts/setup.sh"],
            env=os.environ | {"PYTHON": "/bin/false"},
            capture_output=True,
            text=True,
            check=False,
        )
        # It got as far as looking for a Python to make one with, which this one is not.
        assert result.returncode == 1
        assert "PYTHON=/bin/false is not a working Python" in result.stderr


class TestPython:
    @pytest.fixture(autouse=True)
    def _fresh(self, checkout: Checkout) -> None:
        shutil.rmtree(checkout.folder / ".venv")

    def test_one_that_does_not_fit_is_named(self, checkout: Checkout) -> None:
        result = checkout.setup(PYTHON="/bin/false")
        assert result.returncode == 1
        assert result.stderr == "setup: PYTHON=/bin/false is not a working Python 3.11 to 3.14\n"

    def test_none_at_all_says_what_to_do(self, checkout: Checkout) -> None:
        commands = checkout.folder / "bin"
        commands.mkdir()
        for name in ("bash", "cat", "cksum", "dirname", "env"):
            (commands / name).symlink_to(str(shutil.which(name)))
        result = checkout.setup(PATH=str(commands), PYTHON="")
        assert result.returncode == 1
        assert "no Python 3.11 to 3.14 on PATH" in result.stderr
        assert "make setup PYTHON=" in result.stderr

    def test_without_ensurepip_says_what_to_install(self, checkout: Checkout) -> None:
        bare = checkout.folder / "bare-python"
        bare.write_text(f'#!/bin/sh\n[ "$1" = -m ] && exit 1\nexec {sys.executable} "$@"\n')
        bare.chmod(0o755)
        commands = checkout.folder / "bin"
        commands.mkdir()
        for name in ("bash", "cat", "cksum", "dirname", "env", "mktemp", "rm", "sh"):
            (commands / name).symlink_to(str(shutil.which(name)))
        result = checkout.setup(PATH=str(commands), PYTHON=str(bare))
        assert result.returncode == 1
        assert "apt-get install python3-venv" in result.stderr
        assert not (checkout.folder / ".venv").exists()


def test_an_unknown_kind_of_setup_is_refused(checkout: Checkout) -> None:
    assert checkout.setup("everything").returncode == 2
