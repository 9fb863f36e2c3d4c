import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
ADDRESS = re.compile(r"://|--(?:extra-)?index|--find-links|file:|^\s*-[efi] ", re.MULTILINE)


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(requirements: list[str]) -> set[str]:
    """Normalised names of requirements (PEP 503)."""
    found = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", name.group(0)).lower() for name in found if name}


def locked(name: str) -> set[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return names(re.findall(r"^[A-Za-z0-9._-]+(?===)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
class TestLock:
    def test_names_no_address(self, lock: Path) -> None:
        assert ADDRESS.findall(lock.read_text(encoding="utf-8")) == []

    def test_has_a_hash_for_every_package(self, lock: Path) -> None:
        packages = re.split(r"\n(?=[a-z0-9])", lock.read_text(encoding="utf-8"), flags=re.IGNORECASE)[1:]
        assert packages
        assert [package for package in packages if "--hash=sha256:" not in package] == []


def test_the_locks_hold_what_the_project_asks_for(project: dict[str, Any]) -> None:
    groups = project["dependency-groups"]
    assert names(project["project"]["dependencies"]) <= locked("requirements.lock")
    assert locked("requirements.lock") | names(groups["dev"]) <= locked("requirements-dev.lock")
    assert names(groups["setup"]) <= locked("requirements-setup.lock")
    assert names(groups["node"]) <= locked("requirements-node.lock")
