"""The context of a statement (1.0.3: 2.4.6; 2.0: 4.2.2.5, which adds context agents and groups)."""

from typing import Final

from academe.lrs.xapi import values
from academe.lrs.xapi.agents import actor, agent, group
from academe.lrs.xapi.checks import Check, list_of, literal, shape, text
from academe.lrs.xapi.objects import activity, statement_ref
from academe.lrs.xapi.versions import Version

_activity_list: Final = list_of(activity, "an Activity or an array of Activities")


def _activities(value: object) -> None:
    if type(value) is dict:
        activity(value)
    else:
        _activity_list(value)


_context_activities: Final = shape(
    "the contextActivities object",
    dict.fromkeys(("parent", "grouping", "category", "other"), _activities),
)

_properties: Final[dict[str, Check]] = {
    "registration": values.uuid,
    "instructor": actor,
    "team": group,
    "contextActivities": _context_activities,
    "revision": text,
    "platform": text,
    "language": values.language,
    "statement": statement_ref,
    "extensions": values.extensions,
}


def _relevant(kind: str, key: str, check: Check) -> Check:
    """A list of agents or groups with the activity types for which they matter."""
    item = shape(
        f"a {kind}",
        {
            "objectType": literal(kind),
            key: check,
            "relevantTypes": list_of(values.iri, "an array of at least one activity type", at_least=1),
        },
        required=("objectType", key),
    )
    return list_of(item, f"an array of {kind} objects")


context: Final[dict[Version, Check]] = {
    Version.ONE: shape("a context", _properties),
    Version.TWO: shape(
        "a context",
        {
            **_properties,
            "contextAgents": _relevant("contextAgent", "agent", agent),
            "contextGroups": _relevant("contextGroup", "group", group),
        },
    ),
}
