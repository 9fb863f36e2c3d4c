"""Requests to the document and directory resources, as the edge hands them to the handlers."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from academe.lrs.http import about, activities, activity_profiles, activity_states, agent_profiles, agents
from academe.lrs.http.exchange import Answer, Call, Resource
from academe.lrs.senders.types import Scope, Sender
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Database
from academe.platform.ids import new_id

RESOURCES: Final[Mapping[str, Resource]] = {
    "activities/state": activity_states.RESOURCE,
    "activities/profile": activity_profiles.RESOURCE,
    "agents/profile": agent_profiles.RESOURCE,
    "agents": agents.RESOURCE,
    "activities": activities.RESOURCE,
    "about": about.RESOURCE,
}
STATE, ACTIVITY_PROFILE, AGENT_PROFILE = "activities/state", "activities/profile", "agents/profile"
DOCUMENTS: Final = (STATE, ACTIVITY_PROFILE, AGENT_PROFILE)

ACTIVITY: Final = "https://example.com/activities/quiz"
AGENT: Final = {"objectType": "Agent", "account": {"homePage": "https://campus.example.edu", "name": "s1"}}
JSON: Final = "application/json"

SENDER: Final = Sender(new_id(), "A test", AGENT, "account:https://campus.example.edu|s1", frozenset({Scope.ALL}))

NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    STATE: {"activityId": ACTIVITY, "agent": json.dumps(AGENT), "stateId": "bookmark"},
    ACTIVITY_PROFILE: {"activityId": ACTIVITY, "profileId": "bookmark"},
    AGENT_PROFILE: {"agent": json.dumps(AGENT), "profileId": "bookmark"},
}
"""The parameters that name one document of each resource."""


def id_of(resource: str) -> str:
    """The parameter that names a document."""
    return "stateId" if resource == STATE else "profileId"


def listing(resource: str) -> dict[str, str]:
    """The parameters that name the context of the document, without the document."""
    return {name: value for name, value in NAMES[resource].items() if name != id_of(resource)}


class Client:
    """Sends requests of one version to the handlers, over one database."""

    def __init__(
        self,
        database: Database,
        version: Version,
        *,
        scopes: frozenset[Scope] = SENDER.scopes,
        institution_id: UUID | None = None,
    ) -> None:
        self.database = database
        self.version = version
        self.sender = replace(SENDER, scopes=scopes, institution_id=institution_id)

    async def ask(
        self,
        method: str,
        resource: str,
        parameters: Mapping[str, str] | None = None,
        body: bytes | str = b"",
        *,
        content_type: str | None = JSON,
        **headers: str,
    ) -> Answer:
        """The handler's answer; by default about the one document in `NAMES`. Headers are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            named["content-type"] = content_type
        given = NAMES.get(resource, {}) if parameters is None else parameters
        handled = RESOURCES[resource][method]
        assert set(given) <= handled.parameters, "the edge refuses what the resource does not know"
        raw = body.encode() if isinstance(body, str) else body
        call = Call(method, resource, given, named, raw, self.version, self.sender, self.database)
        return await handled.handler(call)

    async def put_anew(self, resource: str, body: bytes | str, *, content_type: str = JSON, **names: str) -> None:
        """Store a document that is not there yet."""
        parameters = {**NAMES[resource], **names}
        answer = await self.ask("PUT", resource, parameters, body, content_type=content_type, if_none_match="*")
        assert answer.status == 204

    async def body(self, resource: str) -> bytes:
        """What the one document in `NAMES` holds."""
        return (await self.ask("GET", resource)).body

    async def ids(self, resource: str, **parameters: str) -> Any:
        """The ids in the context of the one document."""
        return json.loads((await self.ask("GET", resource, {**listing(resource), **parameters})).body)
