"""Where an installation keeps its data by default."""

import os
from pathlib import Path

import pytest

from academe.platform.data_folder import default_data_folder


class TestDefault:
    def test_root_uses_a_folder_that_other_accounts_may_enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert default_data_folder() == Path("/var/lib/academe")

    def test_an_ordinary_user_has_one_of_their_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        monkeypatch.setenv("XDG_DATA_HOME", "/home/ada/.local/share")
        assert default_data_folder() == Path("/home/ada/.local/share/academe")
