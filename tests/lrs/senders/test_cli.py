"""The commands for senders: what they print, and that what they print works."""

import base64
import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from academe.cli import app
from academe.identity.api import create_institution
from academe.lrs.senders import cli
from academe.lrs.senders.credentials import Credentials
from academe.lrs.senders.errors import CredentialsRefusedError
from academe.lrs.senders.models import Sender
from academe.lrs.senders.types import Scope
from academe.platform.actor import system_actor
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


class TestInstitution:
    @pytest.fixture
    def north(self, own_settings: Settings) -> UUID:
        """An institution of its own name, beside two of one name."""

        async def make() -> UUID:
            database = Database(own_settings)
            actor = system_actor("test")
            try:
                async with database.transaction(actor) as session:
                    for code in ("SOUTH", "EAST"):
                        await create_institution(session, actor=actor, code=code, name="Twin College")
                    return (await create_institution(session, actor=actor, code="NORTH", name="North College")).id
            finally:
                await database.close()

        return run(make())

    def test_by_code_name_or_id(self, own_settings: Settings, north: UUID) -> None:
        for number, called in enumerate(("north", "North College", str(north))):
            told("add", f"Quiz {number}", "--key", f"quiz-{number}", "--institution", called)
        (found,) = run(_institutions_of_senders(own_settings))
        assert found == north

    def test_another_word_lists_those_there_are(self, north: UUID) -> None:
        result = command("add", "Quiz", "--institution", "Nord")
        assert result.exit_code == 1
        assert f"NORTH (North College, {north})" in result.stderr
        assert "SOUTH (Twin College" in result.stderr

    def test_a_name_of_two_is_not_guessed(self, north: UUID) -> None:
        result = command("add", "Quiz", "--institution", "Twin College")
        assert result.exit_code == 1
        assert "2 institutions are called" in result.stderr
        assert str(north) not in result.stderr


async def _institutions_of_senders(settings: Settings) -> list[UUID | None]:
    database = Database(settings)
    try:
        async with database.reading(system_actor("test")) as session:
            return list(await session.scalars(select(Sender.institution_id).distinct()))
    finally:
        await database.close()


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
