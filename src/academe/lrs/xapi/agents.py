"""Agents, groups, and authorities (xAPI 1.0.3 part two, 2.4.2 and 2.4.9; 2.0, 4.2.2.1 and 4.2.4.2)."""

from typing import Any, Final

from academe.lrs.xapi import values
from academe.lrs.xapi.checks import Check, by_object_type, list_of, literal, shape, text
from academe.lrs.xapi.faults import Refusal

_ONE_IDENTIFIER: Final = "exactly one of mbox, mbox_sha1sum, openid and account"


def _identifiers(value: dict[str, Any]) -> int:
    return ("mbox" in value) + ("mbox_sha1sum" in value) + ("openid" in value) + ("account" in value)


def _agent_rule(value: dict[str, Any]) -> None:
    if _identifiers(value) != 1:
        raise Refusal(f"An Agent must be identified by {_ONE_IDENTIFIER}.")


def _group_rule(value: dict[str, Any]) -> None:
    identifiers = _identifiers(value)
    if identifiers > 1:
        raise Refusal(f"An identified Group must have {_ONE_IDENTIFIER}.")
    if identifiers == 0 and not value.get("member"):
        raise Refusal("A Group without an identifier must list its members.", "member")


_account: Final = shape("an account", {"homePage": values.irl, "name": text}, required=("homePage", "name"))
_properties: Final[dict[str, Check]] = {
    "name": text,
    "mbox": values.mailto,
    "mbox_sha1sum": values.sha1,
    "openid": values.iri,
    "account": _account,
}

agent: Final = shape("an Agent", {"objectType": literal("Agent"), **_properties}, rule=_agent_rule)
"""An Agent; `objectType` may be left out."""

_members: Final = list_of(agent, "an array of Agents")
group: Final = shape(
    "a Group",
    {"objectType": literal("Group"), **_properties, "member": _members},
    required=("objectType",),
    rule=_group_rule,
)
"""An identified Group, or an anonymous one that lists its members."""

actor: Final = by_object_type({"Agent": agent, "Group": group}, "an Agent or Group", default="Agent")
"""An Agent or a Group; without an `objectType` it is an Agent."""


def authority(value: object) -> None:
    """An Agent, or the anonymous Group of a user and the OAuth consumer that acts for the user."""
    actor(value)
    if not isinstance(value, dict) or value.get("objectType") != "Group":
        return
    if _identifiers(value):
        raise Refusal("A Group can be the authority only without an identifier of its own.")
    members = value["member"]
    if len(members) != 2:
        raise Refusal("A Group as authority must have two members: the OAuth consumer and the user.", "member")
    if not any("account" in member for member in members):
        raise Refusal("One member of the authority must be an OAuth consumer, identified by account.", "member")
