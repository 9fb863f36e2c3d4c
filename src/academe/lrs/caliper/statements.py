"""Events and descriptions of Caliper as statements of xAPI 2.0.

| Caliper | xAPI |
|---|---|
| `id` of the event | `id` |
| `actor` | `actor` (`agents`) |
| `action` | `verb`: the IRI of the action |
| `object` | `object`: an Activity of the type of the entity; a person is an Agent |
| `eventTime` | `timestamp` |
| score, duration and response of what was generated | `result` |
| what the object is part of, or an attempt at | `contextActivities.parent` |
| `group` and what it is part of | `contextActivities.grouping` |
| `profile` | `contextActivities.category` |
| `target`, `generated`, `referrer`, `edApp` | `contextActivities.other` |
| whose attempt was graded, whose session ended | `contextAgents` |
| the whole event, as it was sent | `context.extensions`, under `ORIGINAL` |

A description of an entity is a statement too: the sender has described the entity.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from academe.lrs.caliper.agents import agent_of
from academe.lrs.caliper.checking import Envelope, is_blank_node, is_event, rfc_3339
from academe.lrs.caliper.events import rule_of
from academe.lrs.caliper.results import result_of
from academe.lrs.caliper.vocabulary import (
    action_iri,
    action_of,
    is_most_special,
    profile_iri,
    subtypes_of,
    type_iri,
    words_of,
)

ORIGINAL: Final = "urn:academe:lrs:caliper"
"""The extension of a statement's context that holds the event or entity exactly as it was sent."""

Entities = Mapping[str, Mapping[str, Any]]
"""Entities that were described beside the events, by their IRIs."""

_NONE: Final[Entities] = {}
_PROFILE: Final = "http://adlnet.gov/expapi/activities/profile"
_AGENTS: Final = subtypes_of("Agent")
_PERSON: Final = "Person"
_TOOL: Final = "SoftwareApplication"
# Names are in a language that Caliper does not tell (RFC 5646: undetermined).
_UNDETERMINED: Final = "und"
_MOST_PARENTS: Final = 10


def statements_of(envelope: Envelope, sender: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One statement for each item of a checked envelope, in order; `sender` is the Agent that describes entities."""
    described = {item["id"]: item for item in envelope.data if not is_event(item)}
    return [
        statement_of(item, described)
        if is_event(item)
        else description_of(item, sender, f"{envelope.sensor} {envelope.send_time} {place}", envelope.send_time)
        for place, item in enumerate(envelope.data)
    ]


def statement_of(event: Mapping[str, Any], described: Entities = _NONE) -> dict[str, Any]:
    """The statement of a checked event; `described` tells more of the entities that it only names."""
    action = action_of(event["action"])
    assert action is not None, "the event is checked"
    view = _View(event, described)
    found_result = result_of(event, action, described)
    return {
        "id": event["id"].removeprefix("urn:uuid:").lower(),
        "actor": view.agent(event["actor"]),
        "verb": _verb(action),
        "object": view.object(action),
        **({"result": found_result} if found_result else {}),
        "context": view.context(),
        "timestamp": rfc_3339(event["eventTime"]),
        "version": "2.0.0",
    }


def description_of(entity: Mapping[str, Any], sender: Mapping[str, Any], place: str, time: str) -> dict[str, Any]:
    """The statement that a sender has described an entity; `place` tells this description from all others."""
    identifier = str(uuid5(NAMESPACE_URL, f"{ORIGINAL} {place} {json.dumps(entity, sort_keys=True)}"))
    view = _View({"id": f"urn:uuid:{identifier}", "object": entity}, _NONE)
    return {
        "id": identifier,
        "actor": dict(sender),
        "verb": _verb("Described"),
        "object": view.thing(entity),
        "context": {"extensions": {ORIGINAL: entity}},
        "timestamp": rfc_3339(time),
        "version": "2.0.0",
    }


class _View:
    """An event as its statement shows it."""

    def __init__(self, event: Mapping[str, Any], described: Entities) -> None:
        self._event = event
        self._described = described

    def agent(self, value: str | Mapping[str, Any]) -> dict[str, Any]:
        """The agent of an entity."""
        entity = self._known(value)
        return agent_of(self._iri(entity["id"]), entity)

    def object(self, action: str) -> dict[str, Any]:
        """The object of the event. The type of one that is only named is known where the event allows a single one."""
        entity = self._known(self._event["object"])
        allowed = rule_of(self._event["type"], action).object
        if "type" not in entity and len(allowed) == 1 and is_most_special(allowed[0]):
            entity = {**entity, "type": allowed[0]}
        return self.thing(entity)

    def thing(self, entity: Mapping[str, Any]) -> dict[str, Any]:
        """An Agent for a person, an Activity for everything else."""
        if entity.get("type") == _PERSON:
            return agent_of(self._iri(entity["id"]), entity)
        return self._activity(entity)

    def context(self) -> dict[str, Any]:
        """The context of the event's statement."""
        context: dict[str, Any] = {"extensions": {ORIGINAL: self._event}}
        activities = {
            "parent": self._parents(),
            "grouping": [self._activity(each) for each in self._chain("group", "subOrganizationOf")],
            "category": self._category(),
            "other": self._others(),
        }
        given = {key: _each_once(values) for key, values in activities.items()}
        if any(given.values()):
            context["contextActivities"] = {key: values for key, values in given.items() if values}
        concerned = list(self._concerned())
        for kind in ("Agent", "Group"):
            of_kind = [each for each in concerned if each["objectType"] == f"context{kind}"]
            if of_kind:
                context[f"context{kind}s"] = of_kind
        return context

    def _known(self, value: str | Mapping[str, Any]) -> Mapping[str, Any]:
        """All that is known of an entity that is written out or named by its IRI."""
        if isinstance(value, str):
            return self._described.get(value, {"id": value})
        described = self._described.get(value["id"])
        return value if described is None else {**described, **value}

    def _iri(self, identifier: str) -> str:
        """An IRI also for a blank node, which means something in its event alone."""
        return f"{self._event['id']}#{identifier[2:]}" if is_blank_node(identifier) else identifier

    def _activity(self, entity: Mapping[str, Any]) -> dict[str, Any]:
        activity: dict[str, Any] = {"objectType": "Activity", "id": self._iri(entity["id"])}
        definition: dict[str, Any] = {}
        for key in ("name", "description"):
            if entity.get(key):
                definition[key] = {_UNDETERMINED: entity[key]}
        if entity.get("type"):
            definition["type"] = type_iri(entity["type"])
        if definition:
            activity["definition"] = definition
        return activity

    def _chain(self, first: str, further: str) -> Iterator[Mapping[str, Any]]:
        """An entity of the event and what it is part of, from the inside out."""
        value = self._event.get(first)
        for _ in range(_MOST_PARENTS):
            if not value:
                return
            entity = self._known(value)
            yield entity
            value = entity.get(further)

    def _parents(self) -> list[dict[str, Any]]:
        found = self._known(self._event["object"])
        parents = (found.get("isPartOf"), found.get("assignable"))
        return [self._activity(entity) for entity in self._resources(parents)]

    def _category(self) -> list[dict[str, Any]]:
        profile = self._event.get("profile")
        if not profile:
            return []
        return [{"objectType": "Activity", "id": profile_iri(profile), "definition": {"type": _PROFILE}}]

    def _others(self) -> list[dict[str, Any]]:
        values = (self._event.get(key) for key in ("target", "generated", "referrer"))
        others = [self._activity(entity) for entity in self._resources(values)]
        tool = self._event.get("edApp")
        return [*others, self._activity({"type": _TOOL, **self._known(tool)})] if tool else others

    def _resources(self, values: Iterable[str | Mapping[str, Any] | None]) -> Iterator[Mapping[str, Any]]:
        """What is no person or group."""
        for value in values:
            if value:
                entity = self._known(value)
                if entity.get("type") not in _AGENTS or entity.get("type") == _TOOL:
                    yield entity

    def _concerned(self) -> Iterator[dict[str, Any]]:
        """Those whose attempt or session the object is, where they are not the actor themselves."""
        found = self._known(self._event["object"])
        actor = self._known(self._event["actor"])["id"]
        for role in ("assignee", "user"):
            value = found.get(role)
            if value and self._known(value)["id"] != actor:
                agent = self.agent(value)
                kind = agent["objectType"]
                yield {"objectType": f"context{kind}", kind.lower(): agent, "relevantTypes": [type_iri(role)]}


def _verb(action: str) -> dict[str, Any]:
    return {"id": action_iri(action), "display": {"en": words_of(action)}}


def _each_once(activities: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({activity["id"]: activity for activity in activities}.values())
