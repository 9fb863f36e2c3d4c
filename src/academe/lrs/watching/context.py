"""The context of a statement in words: course, registration, instructor and whatever else it names."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from academe.lrs.watching.shown import agent_named, object_named

_RELATIONS: Final = (
    ("parent", "Part of"),
    ("grouping", "Together with"),
    ("category", "Category"),
    ("other", "Also"),
)
_SIMPLE: Final = (
    ("registration", "Registration"),
    ("platform", "Platform"),
    ("revision", "Revision"),
    ("language", "Language"),
)


def context_facts(statement: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Pairs of what it is and what it is called; empty for a statement without context."""
    context = statement.get("context", {})
    facts = [(words, context[name]) for name, words in _SIMPLE if name in context]
    activities = context.get("contextActivities", {})
    facts += [(words, _names(activities[name])) for name, words in _RELATIONS if activities.get(name)]
    facts += [
        (words, agent_named(context[name]).name)
        for name, words in (("instructor", "Instructor"), ("team", "Team"))
        if name in context
    ]
    others = [each["agent"] for each in context.get("contextAgents", ())]
    others += [each["group"] for each in context.get("contextGroups", ())]
    if others:
        facts.append(("Others", ", ".join(agent_named(each).name for each in others)))
    if "statement" in context:
        facts.append(("About statement", context["statement"]["id"]))
    return facts


def _names(activities: Any) -> str:
    several = activities if isinstance(activities, list) else [activities]
    return ", ".join(object_named(each)[0].name for each in several)
