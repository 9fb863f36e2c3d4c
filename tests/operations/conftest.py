"""Copies of the small data set, and questions about what an import left behind."""

from pathlib import Path

import pytest

from academe.platform.actor import Actor, system_actor
from tests.operations.mini_oulad import MiniOulad


@pytest.fixture
def mini() -> MiniOulad:
    """The rows of a data set, to be changed and written."""
    return MiniOulad()


@pytest.fixture
def source(mini: MiniOulad, tmp_path: Path) -> Path:
    """A zip of the unchanged small data set."""
    return mini.archive(tmp_path / "mini.zip")


@pytest.fixture
def importer() -> Actor:
    """Academe itself, on behalf of the operator."""
    return system_actor("import oulad")
