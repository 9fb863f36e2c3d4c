"""The page, the endpoint and the command that erase: who may, and that it is meant."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from academe.cli import app as commands
from academe.lrs.privacy import cli
from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import Session
from academe.platform.settings import Settings
from tests.lrs.conftest import ClientOf
from tests.lrs.statements.kept import Keeper, sender_named, statement
from tests.schools import TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

EVE = {"mbox": "mailto:eve@example.com"}
PAGE, ENDPOINT = "/lrs/erasure", "/api/v1/lrs/erasures"
OTHERS = ("registrar", "faculty_administrator", "auditor", "lecturer", "student0")


@pytest.fixture
async def administrator(session: Session, two_schools: TwoSchools) -> Actor:
    """The administrator of a school whose sender has reported one statement of Eve's."""
    sender = replace(sender_named("moodle"), institution_id=two_schools.home.institution.id)
    async with as_actor(session, system_actor("test")):
        await Keeper(session).keep(statement(actor=EVE), sender=sender)
        await session.execute(
            text(
                "INSERT INTO xapi_sender (id, institution_id, name, key, secret_hash, authority, authority_key, scopes)"
                " VALUES (:id, :institution, 'Moodle', :key, sha256('x'), '{}', 'account:x|y', '{all}')"
            ),
            {"id": sender.id, "institution": two_schools.home.institution.id, "key": f"k{uuid4().hex}"},
        )
    return two_schools.home.actor("administrator")


async def test_nobody_and_others_may_not(client_of: ClientOf, two_schools: TwoSchools) -> None:
    form = {"agent": json.dumps(EVE), "confirmation": "erase"}
    assert (await client_of().get(PAGE)).status_code == 303
    assert (await client_of().post(ENDPOINT, json={"agent": EVE})).status_code == 401
    for who in OTHERS:
        client = client_of(two_schools.home.actor(who))
        assert (await client.get(PAGE)).status_code == 403, who
        assert (await client.post(PAGE, data=form)).status_code == 403, who
        assert (await client.post(ENDPOINT, json={"agent": EVE})).status_code == 403, who


async def test_the_page_erases_only_what_is_confirmed(client_of: ClientOf, administrator: Actor) -> None:
    client = client_of(administrator)
    unconfirmed = await client.post(PAGE, data={"agent": json.dumps(EVE), "confirmation": "yes"})
    assert unconfirmed.status_code == 422
    assert "Type erase to say that you mean it." in unconfirmed.text
    assert (await client.post(PAGE, data={"agent": "Eve", "confirmation": "erase"})).status_code == 422
    done = await client.post(PAGE, data={"agent": "mbox:eve@example.com", "confirmation": "Erase"})
    assert done.status_code == 200
    assert "Statements changed" in done.text
    again = await client.post(PAGE, data={"agent": "mbox:eve@example.com", "confirmation": "erase"})
    assert "Nothing is known of this agent" in again.text


async def test_the_endpoint_erases(client_of: ClientOf, administrator: Actor) -> None:
    client = client_of(administrator)
    answer = await client.post(ENDPOINT, json={"agent": EVE})
    assert answer.status_code == 200
    assert (answer.json()["statements"], len(answer.json()["pseudonyms"])) == (1, 1)
    assert (await client.post(ENDPOINT, json={"agent": {"name": "Eve"}})).status_code == 422


def test_the_command_erases_and_asks_first(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "settings_of_command", lambda: own_settings)
    arguments = ["lrs", "erase", "--agent", json.dumps(EVE)]
    assert CliRunner().invoke(commands, arguments, input="n\n").exit_code == 1
    done = CliRunner().invoke(commands, [*arguments, "--yes", "--json"])
    assert (done.exit_code, json.loads(done.stdout)["statements"]) == (0, 0)
    read = CliRunner().invoke(commands, ["lrs", "erase", "--agent", "-", "--yes"], input=json.dumps(EVE))
    assert "Nothing is known of this agent." in read.stdout


def test_the_command_keeps_rules_and_deletes_only_when_told(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "settings_of_command", lambda: own_settings)

    def told(*arguments: str) -> dict[str, Any]:
        result = CliRunner().invoke(commands, ["lrs", "retain", *arguments, "--json"])
        assert result.exit_code == 0, result.stderr
        content: dict[str, Any] = json.loads(result.stdout)
        return content

    assert told() == {"rules": {}, "deleted": False, "months": []}
    assert told("--keep", "http://example.com/type?a=b/Quiz=36", "--keep", "*=60")["rules"] == {"quiz": 36, "*": 60}
    assert told("--keep", "quiz=0", "--now") == {"rules": {"*": 60}, "deleted": True, "months": []}
    for wrong in ("quiz", "quiz=", "quiz=-1", "quiz=x"):
        assert CliRunner().invoke(commands, ["lrs", "retain", "--keep", wrong]).exit_code != 0
