"""Whether a statement is one: every MUST of 1.0.3 and 2.0 that a statement alone can break.

Stands alone: whether its id is taken, whether its attachments came along and whether its signature is right is for
others to say (`comparison`, `multipart`, `signature`).
"""

from typing import Any, Final

from academe.lrs.xapi import agents, objects, values
from academe.lrs.xapi.attachments import attachments
from academe.lrs.xapi.checks import Check, by_object_type, literal, refused, shape
from academe.lrs.xapi.context import context
from academe.lrs.xapi.faults import Refusal, XapiFault
from academe.lrs.xapi.results import result
from academe.lrs.xapi.versions import Version, version_of

_ONLY_WITH_ACTIVITIES: Final = ("revision", "platform")


def _rule(value: dict[str, Any]) -> None:
    """What holds between the parts of a statement."""
    kind = value["object"].get("objectType", "Activity")
    if value["verb"]["id"] == objects.VOIDED and kind != "StatementRef":
        raise Refusal("A voiding statement must refer to the other one by a StatementRef.", "objectType", "object")
    if kind != "Activity" and (of_context := value.get("context")) is not None:
        for key in _ONLY_WITH_ACTIVITIES:
            if key in of_context:
                raise Refusal("This is allowed only when the object of the statement is an Activity.", key, "context")


def _version(accepted: frozenset[Version], expected: str) -> Check:
    def check(value: object) -> None:
        if type(value) is not str or version_of(value) not in accepted:
            raise refused(value, expected)

    return check


_ACCEPTED_VERSIONS: Final = {
    Version.ONE: _version(frozenset({Version.ONE}), "1.0 or 1.0.x in a request of version 1.0"),
    Version.TWO: _version(frozenset(Version), "2.0.x or 1.0.x"),
}
_REQUIRED: Final = ("actor", "verb", "object")
_SIMPLE_OBJECTS: Final[dict[str, Check]] = {
    "Activity": objects.activity,
    "Agent": agents.agent,
    "Group": agents.group,
    "StatementRef": objects.statement_ref,
}
_OBJECT: Final = "the object of a statement"


def _shape_of(version: Version) -> Check:
    common: dict[str, Check] = {
        "actor": agents.actor,
        "verb": objects.verb,
        "result": result,
        "context": context[version],
        "timestamp": values.timestamp[version],
        "attachments": attachments,
    }
    simple = by_object_type(_SIMPLE_OBJECTS, "the object of a SubStatement", default="Activity")
    sub_statement = shape(
        "a SubStatement",
        {"objectType": literal("SubStatement"), "object": simple, **common},
        required=_REQUIRED,
        rule=_rule,
    )
    return shape(
        "a statement",
        {
            "id": values.uuid,
            "object": by_object_type({**_SIMPLE_OBJECTS, "SubStatement": sub_statement}, _OBJECT, default="Activity"),
            "stored": values.timestamp[version],
            "authority": agents.authority,
            "version": _ACCEPTED_VERSIONS[version],
            **common,
        },
        required=_REQUIRED,
        rule=_rule,
    )


_STATEMENTS: Final = {version: _shape_of(version) for version in Version}


def checked(statement: object, version: Version, *, at: str = "") -> dict[str, Any]:
    """The statement, as what it was found to be; XapiFault at the first rule that it breaks.

    `at` is the pointer of the statement in the request, such as `/3` in a batch.
    """
    try:
        _STATEMENTS[version](statement)
    except Refusal as refusal:
        raise XapiFault(at + refusal.pointer(), refusal.message) from None
    assert isinstance(statement, dict)
    return statement


def checked_batch(body: object, version: Version) -> list[dict[str, Any]]:
    """The statements of a POST, a single one or an array of any length; XapiFault at the first rule that one breaks.

    Two statements of one batch must not have the same id.
    """
    if type(body) is not list:
        return [checked(body, version)]
    statements = [checked(statement, version, at=f"/{position}") for position, statement in enumerate(body)]
    ids: set[str] = set()
    for position, statement in enumerate(statements):
        if (key := statement.get("id")) is not None:
            if key.lower() in ids:
                raise XapiFault(f"/{position}/id", "Another statement of this request has the same id.")
            ids.add(key.lower())
    return statements


def checked_actor(value: object, *, at: str = "") -> dict[str, Any]:
    """An Agent or Group that stands alone, such as the `agent` parameter of a request; XapiFault if it is neither."""
    return _alone(agents.actor, value, at)


def checked_agent(value: object, *, at: str = "") -> dict[str, Any]:
    """An Agent that stands alone; XapiFault if it is none."""
    return _alone(agents.agent, value, at)


def checked_activity(value: object, *, at: str = "") -> dict[str, Any]:
    """An Activity that stands alone; XapiFault if it is none."""
    return _alone(objects.activity, value, at)


def _alone(check: Check, value: object, at: str) -> dict[str, Any]:
    try:
        check(value)
    except Refusal as refusal:
        raise XapiFault(at + refusal.pointer(), refusal.message) from None
    assert isinstance(value, dict)
    return value
