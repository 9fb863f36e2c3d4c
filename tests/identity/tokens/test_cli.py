"""The commands for service accounts: what they print, and that it is kept."""

import json

import pytest
from typer.testing import CliRunner, Result

from academe.cli import app
from academe.identity.api import create_institution
from academe.identity.tokens import cli
from academe.identity.tokens.errors import GrantRefusedError
from academe.identity.tokens.service import Granted, grant_token
from academe.platform.actor import system_actor
from academe.platform.commands import run
from academe.platform.database.session import Database
from academe.platform.settings import Settings


@pytest.fixture(autouse=True)
def _own(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "settings_of_command", lambda: own_settings)

    async def make() -> None:
        database = Database(own_settings)
        actor = system_actor("test")
        async with database.transaction(actor) as session:
            await create_institution(session, actor=actor, code="HOME", name="Home")
        await database.close()

    run(make())


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["service-account", *arguments])


def test_add_list_and_revoke(own_settings: Settings) -> None:
    async def granted(client_id: str, secret: str) -> Granted:
        database = Database(own_settings)
        try:
            return await grant_token(database, client_id=client_id, secret=secret, scopes=())
        finally:
            await database.close()

    added = command("add", "Timetable", "--institution", "HOME", "--scope", "write", "--json")
    assert added.exit_code == 0, added.stderr
    known = json.loads(added.stdout)
    assert run(granted(known["client_id"], known["client_secret"])).scopes == ["write"]
    listed = json.loads(command("list", "--json").stdout)
    assert [(each["client_id"], each["name"]) for each in listed] == [(known["client_id"], "Timetable")]
    assert "Timetable" in command("list").stdout
    assert command("revoke", known["client_id"]).exit_code == 0
    assert json.loads(command("list", "--json").stdout) == []
    with pytest.raises(GrantRefusedError):
        run(granted(known["client_id"], known["client_secret"]))


def test_faults() -> None:
    assert command("add", "Timetable", "--institution", "NOWHERE").exit_code != 0
    assert command("add", "Timetable", "--institution", "HOME", "--scope", "everything").exit_code != 0
    assert command("add", " ", "--institution", "HOME").exit_code != 0
