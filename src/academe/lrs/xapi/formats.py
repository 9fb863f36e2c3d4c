"""How statements, activities and agents are returned: `exact` as kept, `ids`, `canonical`, and Person objects."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from academe.lrs.xapi.languages import in_one_language

DefinitionOf = Callable[[str], Mapping[str, Any] | None]
"""What the store knows of an activity or a verb, by its id."""

_IDENTIFIERS: Final = ("mbox", "mbox_sha1sum", "openid", "account")
_LANGUAGE_MAPS: Final = ("name", "description")
_COMPONENT_LISTS: Final = ("choices", "scale", "source", "target", "steps")


class _Rewriting:
    """A walk over a statement that copies what it rewrites and shares the rest."""

    def __init__(
        self,
        *,
        actor: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        verb: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        activity: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    ) -> None:
        self._actor, self._verb, self._activity = actor, verb, activity

    def statement(self, statement: Mapping[str, Any]) -> dict[str, Any]:
        written = {**statement, "actor": self._actor(statement["actor"]), "verb": self._verb(statement["verb"])}
        written["object"] = self._object(statement["object"])
        if "context" in statement:
            written["context"] = self._context(statement["context"])
        if "authority" in statement:
            written["authority"] = self._actor(statement["authority"])
        return written

    def _object(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        match value.get("objectType", "Activity"):
            case "Activity":
                return self._activity(value)
            case "SubStatement":
                return self.statement(value)
            case "StatementRef":
                return value
            case _:
                return self._actor(value)

    def _context(self, context: Mapping[str, Any]) -> dict[str, Any]:
        written = dict(context)
        for key, value in context.items():
            match key:
                case "instructor" | "team":
                    written[key] = self._actor(value)
                case "contextActivities":
                    written[key] = {kind: self._activities(activities) for kind, activities in value.items()}
                case "contextAgents":
                    written[key] = [{**item, "agent": self._actor(item["agent"])} for item in value]
                case "contextGroups":
                    written[key] = [{**item, "group": self._actor(item["group"])} for item in value]
                case _:
                    pass
        return written

    def _activities(self, activities: Any) -> list[Mapping[str, Any]]:
        return [self._activity(each) for each in ([activities] if isinstance(activities, dict) else activities)]


def _identified(actor: Mapping[str, Any]) -> dict[str, Any]:
    """What identifies an agent or group, and what it is; an anonymous group is identified by its members."""
    kept = {key: actor[key] for key in ("objectType", *_IDENTIFIERS) if key in actor}
    if not any(key in actor for key in _IDENTIFIERS):
        kept["member"] = [_identified(member) for member in actor["member"]]
    return kept


def _only_id(thing: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": thing["id"]}


_IDS: Final = _Rewriting(actor=_identified, verb=_only_id, activity=_only_id)


def ids(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The stored statement with only what identifies its agents, groups, verbs and activities."""
    return _IDS.statement(statement)


def activities_and_verbs(statements: Iterable[Mapping[str, Any]]) -> tuple[set[str], set[str]]:
    """The ids of all activities and verbs in stored statements, for `canonical` to be told what is known of them."""
    activities: set[str] = set()
    verbs: set[str] = set()

    def activity(own: Mapping[str, Any]) -> Mapping[str, Any]:
        activities.add(own["id"])
        return own

    def verb(own: Mapping[str, Any]) -> Mapping[str, Any]:
        verbs.add(own["id"])
        return own

    walk = _Rewriting(actor=lambda actor: actor, verb=verb, activity=activity)
    for statement in statements:
        walk.statement(statement)
    return activities, verbs


def canonical(
    statement: Mapping[str, Any],
    *,
    definition_of: DefinitionOf,
    display_of: DefinitionOf = lambda _: None,
    languages: Sequence[str] = (),
) -> dict[str, Any]:
    """The stored statement with what the store knows of activities and verbs, each language map cut to one language.

    `languages` are wanted ranges, the most wanted first (`languages.language_ranges`). An activity of which the store
    knows nothing keeps its own definition, and such a verb its own display. Agents and groups stay as they are.
    """

    def activity(own: Mapping[str, Any]) -> Mapping[str, Any]:
        definition = definition_of(own["id"]) or own.get("definition")
        return own if definition is None else {**own, "definition": localised_definition(definition, languages)}

    def verb(own: Mapping[str, Any]) -> Mapping[str, Any]:
        display = display_of(own["id"]) or own.get("display")
        return own if display is None else {**own, "display": in_one_language(display, languages)}

    return _Rewriting(actor=lambda actor: actor, verb=verb, activity=activity).statement(statement)


def localised_definition(definition: Mapping[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    """An activity definition with one language in each of its language maps."""
    written = dict(definition)
    for key in _LANGUAGE_MAPS:
        if key in written:
            written[key] = in_one_language(written[key], languages)
    for key in _COMPONENT_LISTS:
        if key in written:
            written[key] = [_localised_component(component, languages) for component in written[key]]
    return written


def _localised_component(component: Mapping[str, Any], languages: Sequence[str]) -> Mapping[str, Any]:
    if "description" not in component:
        return component
    return {**component, "description": in_one_language(component["description"], languages)}


def merged_definition(known: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of an activity after a statement has said more.

    Languages and extensions are added to, each entry replaced by a newer one; everything else is replaced. Merging the
    same definition again changes nothing.
    """
    merged = dict(known or {})
    for key, value in new.items():
        is_map = key in _LANGUAGE_MAPS or key == "extensions"
        merged[key] = {**merged[key], **value} if is_map and key in merged else value
    return merged


def activity_object(activity_id: str, definition: Mapping[str, Any] | None) -> dict[str, Any]:
    """The Activity as the activities resource returns it, with all languages."""
    activity: dict[str, Any] = {"objectType": "Activity", "id": activity_id}
    if definition:
        activity["definition"] = dict(definition)
    return activity


def person(agents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The Person that some Agents are: each name and identifier once, in the order in which they come."""
    found: dict[str, Any] = {"objectType": "Person"}
    for agent in agents:
        for key in ("name", *_IDENTIFIERS):
            if key in agent and agent[key] not in found.setdefault(key, []):
                found[key].append(agent[key])
    return found
