"""The commands for senders: what they print, and that what they print works."""

import base64
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from academe.cli import app
from academe.lrs.senders import cli
from academe.lrs.senders.credentials import Credentials
from academe.lrs.senders.errors import CredentialsRefusedError
from academe.lrs.senders.types import Scope
from academe.platform.commands import run
from academe.platform.database.session import Database
from academe.platform.settings import Settings


@pytest.fixture(autouse=True)
def _own(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "settings_of_command", lambda: own_settings)


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["lrs", "sender", *arguments])


def told(*arguments: str) -> dict[str, Any]:
    result = command(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def scopes_of(settings: Settings, key: str, secret: str) -> frozenset[Scope]:
    async def ask() -> frozenset[Scope]:
        database = Database(settings)
        try:
            header = "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
            return (await Credentials(database).sender_of(header)).scopes
        finally:
            await database.close()

    return run(ask())


def test_a_sender_is_added_rotated_and_revoked(own_settings: Settings) -> None:
    added = told("add", "My Moodle", "--key", "moodle", "--scope", "all/read", "--scope", "state", "--days", "30")
    assert added["authority"]["account"] == {"homePage": own_settings.public_url, "name": "moodle"}
    assert added["scopes"] == ["state", "all/read"]
    assert scopes_of(own_settings, "moodle", added["secret"]) == {Scope.STATE, Scope.READ_ALL}
    rotated = told("rotate", "moodle")
    assert scopes_of(own_settings, "moodle", rotated["secret"]) == {Scope.STATE, Scope.READ_ALL}
    with pytest.raises(CredentialsRefusedError):
        scopes_of(own_settings, "moodle", added["secret"])
    (listed,) = told("list")["senders"]
    assert (listed["key"], listed["state"]) == ("moodle", "active")
    assert listed["last_used_at"] is not None
    assert rotated["secret"] not in json.dumps(listed)
    assert told("revoke", "moodle")["revoked_at"] is not None
    assert told("list")["senders"][0]["state"] == "revoked"
    with pytest.raises(CredentialsRefusedError):
        scopes_of(own_settings, "moodle", rotated["secret"])


def test_a_person_reads_the_secret_once(own_settings: Settings) -> None:
    result = command("add", "Quiz [bold]", "--authority", '{"mbox": "mailto:quiz@example.org"}')
    assert result.exit_code == 0
    key, secret = (line.split()[1] for line in result.stdout.splitlines()[:2])
    assert key.startswith("quiz-bold-")
    assert scopes_of(own_settings, key, secret) == {Scope.WRITE_STATEMENTS, Scope.READ_OWN_STATEMENTS}
    printed = command("list").stdout
    assert "Quiz" in printed
    assert secret not in printed


def test_what_is_wrong_is_said() -> None:
    for arguments, said in (
        (("add", "x", "--key", "a b"), "key: Please use"),
        (("add", "x", "--authority", "nobody"), "authority: is not JSON"),
        (("add", "x", "--authority", "[]"), "authority: is not a JSON object"),
        (("add", "x", "--authority", "{}"), "authority: An Agent must be identified by"),
        (("revoke", "nobody"), "There is no such sender"),
        (("rotate", "nobody"), "There is no such sender"),
    ):
        result = command(*arguments)
        assert result.exit_code == 1, arguments
        assert said in result.stderr, result.stderr
    assert command("add", "x", "--scope", "everything").exit_code == 2
