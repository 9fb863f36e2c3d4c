"""Verbs, activities with their definitions, and references (1.0.3: 2.4.3 and 2.4.4; 2.0: 4.2.2.2 and 4.2.2.3)."""

from typing import Any, Final

from academe.lrs.xapi import values
from academe.lrs.xapi.checks import Check, list_of, literal, shape, text
from academe.lrs.xapi.faults import Refusal

VOIDED: Final = "http://adlnet.gov/expapi/verbs/voided"
"""The verb of statements that void others."""

INTERACTION_TYPES: Final = (
    "true-false",
    "choice",
    "fill-in",
    "long-fill-in",
    "matching",
    "performance",
    "sequencing",
    "likert",
    "numeric",
    "other",
)

verb: Final = shape("a verb", {"id": values.iri, "display": values.language_map}, required=("id",))

_component: Final = shape(
    "an interaction component", {"id": text, "description": values.language_map}, required=("id",)
)
_component_list: Final = list_of(_component, "an array of interaction components")


def _components(value: object) -> None:
    _component_list(value)
    assert isinstance(value, list)
    ids: set[str] = set()
    for position, component in enumerate(value):
        if component["id"] in ids:
            raise Refusal("The id of each interaction component must occur once in its list.", "id", position)
        ids.add(component["id"])


_of_interactions: Final[dict[str, Check]] = {
    "correctResponsesPattern": list_of(text, "an array of strings"),
    "choices": _components,
    "scale": _components,
    "source": _components,
    "target": _components,
    "steps": _components,
}
_OF_INTERACTIONS: Final = frozenset(_of_interactions)


def _definition_rule(value: dict[str, Any]) -> None:
    if "interactionType" not in value and not _OF_INTERACTIONS.isdisjoint(value):
        raise Refusal("A definition with interaction properties must say its type.", "interactionType")


definition: Final = shape(
    "an activity definition",
    {
        "name": values.language_map,
        "description": values.language_map,
        "type": values.iri,
        "moreInfo": values.irl,
        "extensions": values.extensions,
        "interactionType": literal(*INTERACTION_TYPES),
        **_of_interactions,
    },
    rule=_definition_rule,
)

activity: Final = shape(
    "an Activity",
    {"objectType": literal("Activity"), "id": values.iri, "definition": definition},
    required=("id",),
)
"""An Activity; `objectType` may be left out."""

statement_ref: Final = shape(
    "a StatementRef", {"objectType": literal("StatementRef"), "id": values.uuid}, required=("objectType", "id")
)
