"""The short run of `kills.py`: worker and other store are killed, and every statement is there once."""

import pytest

from tests.lrs.forwarding.kills import forward_under_fire
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.slow


def test_every_statement_is_there_once_though_processes_are_killed(
    server: ServerOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACADEME_XAPI_FORWARD_STATEMENTS", "10")
    outcome = forward_under_fire(server, statements=2_000, kills=4)
    assert outcome.is_right, outcome
