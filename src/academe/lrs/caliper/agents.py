"""Caliper's people, groups and tools as the agents of xAPI.

Both standards name them by an identifier alone, so who is meant never depends on how much a sensor writes about them:

| IRI of the entity | identifier of the agent |
|---|---|
| `https://campus.example.edu/users/42` | account `42` at the home page `https://campus.example.edu/users` |
| `mailto:name@example.com` | mbox |
| any other, such as one with a query or a URN | openid |

The account can be led back to the IRI, and no two IRIs give the same one. Anonymous people, whose IRI is that of their
type, are one agent: nobody in particular.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from academe.lrs.caliper.vocabulary import subtypes_of
from academe.lrs.xapi.grammar import is_mailto

# An authority, perhaps a path, and behind the last slash a name.
_ACCOUNT: Final = re.compile(r"(https?://[^/?#]+(?:/[^?#]*)?)/([^/?#]+)", re.IGNORECASE).fullmatch
_GROUPS: Final = subtypes_of("Organization")


def identifier_of(iri: str) -> dict[str, Any]:
    """The identifying property of the agent that an IRI stands for."""
    account = _ACCOUNT(iri)
    if account is not None:
        return {"account": {"homePage": account[1], "name": account[2]}}
    return {"mbox": iri} if is_mailto(iri) else {"openid": iri}


def agent_of(iri: str, entity: Mapping[str, Any]) -> dict[str, Any]:
    """The Agent, or for organisations the Group, of an IRI; `entity` is what is known about it."""
    agent: dict[str, Any] = {"objectType": "Group" if entity.get("type") in _GROUPS else "Agent"}
    name = entity.get("name")
    if name:
        agent["name"] = name
    return agent | identifier_of(iri)
