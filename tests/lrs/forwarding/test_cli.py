"""The commands for forwards: what they print, and that what they print works."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from academe.cli import app
from academe.lrs.forwarding import cli
from academe.lrs.forwarding.models import XapiForward
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.commands import run
from academe.platform.database.session import Database
from academe.platform.settings import Settings

ADDRESS = "https://lrs.example.org/xapi"
SECRET = "open-sesame-8"


@pytest.fixture(autouse=True)
def _own(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "settings_of_command", lambda: own_settings)
    monkeypatch.setenv(cli.SECRET, SECRET)


def command(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, ["lrs", "forward", *arguments], input=text)


def told(*arguments: str) -> dict[str, Any]:
    result = command(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def kept(settings: Settings) -> tuple[list[XapiForward], list[str]]:
    """The forwards in the database, and what the audit says was done."""

    async def ask() -> tuple[list[XapiForward], list[str]]:
        database = Database(settings)
        try:
            async with database.transaction(system_actor("test")) as session:
                forwards = (await session.scalars(select(XapiForward))).all()
                entries = select(AuditEntry).where(AuditEntry.subject_kind == "xapi_forward").order_by(AuditEntry.seq)
                return list(forwards), [each.action for each in (await session.scalars(entries)).all()]
        finally:
            await database.close()

    return run(ask())


def test_a_forward_is_added_paused_resumed_and_removed(own_settings: Settings) -> None:
    verb, agent = "http://example.com/did", "ada@example.com"
    added = told("add", "There", ADDRESS, "--key", "us", "--verb", verb, "--agent", agent, "--since", "2026-01-01")
    (forward,), _ = kept(own_settings)
    assert (forward.key, forward.secret, forward.verbs, len(forward.agent_keys)) == ("us", SECRET, [verb], 1)
    (listed,) = told("list")["forwards"]
    assert (listed["id"], listed["state"], listed["dead_letters"]) == (added["id"], "active", 0)
    printed = command("list").stdout
    assert SECRET not in json.dumps(listed) + printed
    assert added["id"] in printed, "the other commands need it whole"
    told("pause", added["id"])
    assert told("list")["forwards"][0]["state"] == "paused"
    told("resume", added["id"])
    told("retry", added["id"], "--letters")
    assert told("list")["forwards"][0]["state"] == "active"
    refused = command("remove", added["id"], text="n\n")
    assert refused.exit_code == 1
    told("remove", added["id"], "--yes")
    forwards, actions = kept(own_settings)
    assert forwards == []
    assert [each.partition(".")[2] for each in actions] == ["created", "paused", "resumed", "retried", "removed"]


def test_the_secret_is_asked_for_and_not_shown(monkeypatch: pytest.MonkeyPatch, own_settings: Settings) -> None:
    monkeypatch.delenv(cli.SECRET)
    result = command("add", "There", ADDRESS, "--key", "us", text="typed-secret\n")
    assert result.exit_code == 0, result.stderr
    assert "typed-secret" not in result.output
    assert kept(own_settings)[0][0].secret == "typed-secret"


def test_what_is_wrong_is_said() -> None:
    for arguments, said in (
        (("add", "x", "lrs.example.org", "--key", "us"), "endpoint: Please give an address"),
        (("add", "x", "https://169.254.1.1/xapi", "--key", "us"), "endpoint: 169.254.1.1 is not an address"),
        (("add", "x", ADDRESS, "--key", "a:b"), "key: A key has no colon"),
        (("add", "x", ADDRESS, "--key", "us", "--verb", "did"), "verb: did: Please give the whole IRI"),
        (("add", "x", ADDRESS, "--key", "us", "--agent", "nobody"), "agent: nobody"),
        (("pause", "6d969975-8d7e-4506-ac19-877c57f2921a"), "There is no such forward"),
    ):
        result = command(*arguments)
        assert result.exit_code == 1, arguments
        assert said in result.stderr, result.stderr
    assert command("add", "x", ADDRESS, "--key", "us", "--version", "3").exit_code == 2
