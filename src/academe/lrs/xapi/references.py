"""What filters, activities and rollups need of a statement, read once.

Every function here takes what `statement.checked` let pass, and asks nothing twice.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from academe.lrs.xapi.grammar import duration_seconds, parsed_timestamp
from academe.lrs.xapi.identity import key_of
from academe.lrs.xapi.objects import VOIDED
from academe.lrs.xapi.versions import Version

_NOTHING: Final[dict[str, Any]] = {}
_ACTORS: Final = frozenset({"instructor", "team"})


class References(NamedTuple):
    """Identifiers of a statement. UUIDs are in lower case, agents are keys (`identity.key_of`), the rest is as sent.

    `agents` are those that the `agent` filter finds: actor and object, and the members of groups there.
    `related_agents` and `related_activities` are those that the broad filters find; each holds the narrow ones too.
    `target` is the statement that the object refers to, through which the filters go on; `voided` is the same, when the
    verb voids it. `definitions` are the activities that come with a definition, in the order of the statement.
    """

    statement: str | None
    actor: str | None
    verb: str
    activity: str | None
    registration: str | None
    timestamp: datetime | None
    agents: frozenset[str]
    related_agents: frozenset[str]
    related_activities: frozenset[str]
    target: str | None
    voided: str | None
    context_statement: str | None
    definitions: tuple[tuple[str, dict[str, Any]], ...]
    duration_seconds: float | None
    success: bool | None
    completion: bool | None
    scaled_score: float | None


class _Found:
    """What a walk through the statement has met so far."""

    __slots__ = ("activities", "agents", "definitions")

    def __init__(self) -> None:
        self.agents: set[str] = set()
        self.activities: set[str] = set()
        self.definitions: list[tuple[str, dict[str, Any]]] = []

    def agent(self, agent: Mapping[str, Any]) -> str | None:
        """Note an agent or a group with its members, and give its own key."""
        key = key_of(agent)
        if key is not None:
            self.agents.add(key)
        if "member" in agent:
            for member in agent["member"]:
                if (key_of_member := key_of(member)) is not None:
                    self.agents.add(key_of_member)
        return key

    def activity(self, activity: Mapping[str, Any]) -> None:
        self.activities.add(activity["id"])
        if definition := activity.get("definition"):
            self.definitions.append((activity["id"], definition))

    def object(self, value: Mapping[str, Any], kind: str) -> None:
        """Note an activity, agent or group; a reference to a statement is neither."""
        if kind == "Activity":
            self.activity(value)
        elif kind in {"Agent", "Group"}:
            self.agent(value)

    def context(self, context: Mapping[str, Any]) -> None:
        for activities in context.get("contextActivities", _NOTHING).values():
            for activity in activities if type(activities) is list else (activities,):
                self.activity(activity)
        for key in _ACTORS.intersection(context):
            self.agent(context[key])
        for item in context.get("contextAgents", ()):
            self.agent(item["agent"])
        for item in context.get("contextGroups", ()):
            self.agent(item["group"])

    def sub_statement(self, value: Mapping[str, Any]) -> None:
        self.agent(value["actor"])
        self.object(value["object"], value["object"].get("objectType", "Activity"))
        if (context := value.get("context")) is not None:
            self.context(context)


def references(statement: Mapping[str, Any], version: Version) -> References:
    """What a checked statement refers to; `version` is the one that it was checked by."""
    found = _Found()
    actor = found.agent(statement["actor"])
    value = statement["object"]
    kind = value.get("objectType", "Activity")
    if kind == "SubStatement":
        agents = frozenset(found.agents)
        found.sub_statement(value)
    else:
        found.object(value, kind)
        agents = frozenset(found.agents)
    context = statement.get("context", _NOTHING)
    if context:
        found.context(context)
    if (authority := statement.get("authority")) is not None:
        found.agent(authority)
    verb = statement["verb"]["id"]
    result = statement.get("result", _NOTHING)
    target = value["id"].lower() if kind == "StatementRef" else None
    timestamp = statement.get("timestamp")
    return References(
        statement["id"].lower() if "id" in statement else None,
        actor,
        verb,
        value["id"] if kind == "Activity" else None,
        context["registration"].lower() if "registration" in context else None,
        None if timestamp is None else parsed_timestamp(timestamp, version),
        agents,
        agents if len(agents) == len(found.agents) else frozenset(found.agents),
        frozenset(found.activities),
        target,
        target if verb == VOIDED else None,
        context["statement"]["id"].lower() if "statement" in context else None,
        tuple(found.definitions),
        duration_seconds(result["duration"]) if "duration" in result else None,
        result.get("success"),
        result.get("completion"),
        result["score"].get("scaled") if "score" in result else None,
    )
