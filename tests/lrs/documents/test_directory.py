"""Agents, activities and the store about itself, by the numbers of the list of conformance requirements."""

import json
from typing import Any
from uuid import UUID

import pytest

from academe.lrs.http.exchange import Answer
from academe.lrs.keys import key_uuid
from academe.lrs.senders.types import Scope
from academe.lrs.statements.models import INSTALLATION, XapiActivity, XapiAgent
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.identity import key_of
from academe.lrs.xapi.versions import Version, version_of
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from tests.lrs.documents.calls import ACTIVITY, AGENT, RESOURCES, Client
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

SHA1 = "cd9b00a5611f94eaa7b1661edab976068e364975"
IDENTIFIERS = [
    {"mbox": "mailto:ada@example.com"},
    {"mbox_sha1sum": SHA1},
    {"openid": "https://ada.example.org/"},
    {"account": AGENT["account"]},
]


def value_of(answer: Answer) -> Any:
    assert (answer.status, answer.content_type) == (200, "application/json")
    return json.loads(answer.body)


def add_agent(session: Session, agent: dict[str, Any], names: list[str], institution_id: UUID = INSTALLATION) -> None:
    key = key_of(agent)
    assert key is not None
    known = XapiAgent(id=key_uuid(key), key=key, object_type="Agent", names=names, institution_id=institution_id)
    session.add(known)


class TestAgents:
    @pytest.mark.parametrize("identifier", IDENTIFIERS)
    async def test_an_unknown_agent_is_its_own_person(self, client: Client, identifier: dict[str, Any]) -> None:
        """XAPI-00237 to XAPI-00248."""
        person = value_of(await client.ask("GET", "agents", {"agent": json.dumps({**identifier, "name": "Ada"})}))
        ((name, identity),) = identifier.items()
        assert person == {"objectType": "Person", "name": ["Ada"], name: [identity]}

    async def test_without_a_name_there_is_none(self, client: Client) -> None:
        person = value_of(await client.ask("GET", "agents", {"agent": json.dumps(AGENT)}))
        assert person == {"objectType": "Person", "account": [AGENT["account"]]}

    async def test_names_of_statements_are_added(self, session: Session, client: Client) -> None:
        add_agent(session, AGENT, ["Ada L.", "Ada"])
        add_agent(session, {"mbox": "mailto:ada@example.com"}, ["Another"])
        person = value_of(await client.ask("GET", "agents", {"agent": json.dumps({**AGENT, "name": "Ada"})}))
        assert person["name"] == ["Ada", "Ada L."]

    async def test_names_of_another_institution_are_not_told(self, session: Session, database: JoinedDatabase) -> None:
        north, south = new_id(), new_id()
        add_agent(session, AGENT, ["Ada of the north", "Ada"], north)
        add_agent(session, AGENT, ["Ada of the south", "Ada"], south)
        for institution, names in (
            (north, ["Ada", "Ada of the north"]),
            (south, ["Ada", "Ada of the south"]),
            (None, ["Ada", "Ada of the north", "Ada of the south"]),
        ):
            client = Client(database, Version.TWO, institution_id=institution)
            person = value_of(await client.ask("GET", "agents", {"agent": json.dumps({**AGENT, "name": "Ada"})}))
            assert person["name"] == names

    async def test_who_reads_only_its_own_is_told_what_it_said(
        self, session: Session, database: JoinedDatabase
    ) -> None:
        add_agent(session, AGENT, ["Ada"])
        client = Client(database, Version.TWO, scopes=frozenset({Scope.READ_OWN_STATEMENTS}))
        assert "name" not in value_of(await client.ask("GET", "agents", {"agent": json.dumps(AGENT)}))

    @pytest.mark.parametrize("wrong", ["not JSON", "{}", '{"name": "Ada"}', '{"objectType": "Group", "member": []}'])
    async def test_what_is_no_agent_is_refused(self, client: Client, wrong: str) -> None:
        """XAPI-00249."""
        with pytest.raises(XapiFault) as refused:
            await client.ask("GET", "agents", {"agent": wrong})
        assert refused.value.pointer.startswith("?agent")

    async def test_the_agent_is_required(self, client: Client) -> None:
        with pytest.raises(XapiFault) as refused:
            await client.ask("GET", "agents", {})
        assert refused.value.pointer == "?agent"


class TestActivities:
    async def test_all_that_is_known(self, session: Session, client: Client) -> None:
        """XAPI-00251, XAPI-00253, XAPI-00254."""
        definition = {"name": {"en-US": "Quiz", "fr-FR": "Épreuve"}, "extensions": {"https://example.com/e": None}}
        session.add(XapiActivity(id=key_uuid(ACTIVITY), iri=ACTIVITY, definition=definition))
        answer = await client.ask("GET", "activities", {"activityId": ACTIVITY})
        assert value_of(answer) == {"objectType": "Activity", "id": ACTIVITY, "definition": definition}
        assert "Épreuve".encode() in answer.body

    async def test_an_unknown_activity_is_its_id(self, client: Client) -> None:
        answer = await client.ask("GET", "activities", {"activityId": ACTIVITY})
        assert value_of(answer) == {"objectType": "Activity", "id": ACTIVITY}

    @pytest.mark.parametrize("parameters", [{}, {"activityId": "quiz"}, {"activityId": ""}])
    async def test_the_id_is_required(self, client: Client, parameters: dict[str, str]) -> None:
        """XAPI-00250."""
        with pytest.raises(XapiFault) as refused:
            await client.ask("GET", "activities", parameters)
        assert refused.value.pointer == "?activityId"

    async def test_who_has_it_already_gets_304(self, client: Client) -> None:
        known = (await client.ask("GET", "activities", {"activityId": ACTIVITY})).headers["ETag"]
        again = await client.ask("GET", "activities", {"activityId": ACTIVITY}, if_none_match=known)
        assert again.status == 304


class TestAbout:
    async def test_versions(self, client: Client) -> None:
        """XAPI-00315 to XAPI-00319: with the newest patch of each line, and nothing beside `extensions`."""
        about = value_of(await client.ask("GET", "about", {}))
        assert set(about) == {"version", "extensions"}
        assert {"1.0.3", "2.0.0"} <= set(about["version"])
        assert all(version_of(version) for version in about["version"])
        assert about["extensions"] == {"urn:academe:lrs:document-limit-bytes": 10 * 2**20}

    def test_everybody_may_ask(self) -> None:
        assert RESOURCES["about"]["GET"].scopes == frozenset()
