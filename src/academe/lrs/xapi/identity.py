"""Who is meant: one key for an agent or group, whatever else is said of it.

A key is the identifier after its kind: `mbox:name@example.com`, `sha1:<hash>`, `openid:<URI>` or
`account:<home page>|<name>`.
Two agents are the same when they have the same identifier with the same value; an address and its hash are different
identifiers, so their keys differ. Case counts, except in a hash and in the domain of an address, where it says nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

_MAILTO: Final = len("mailto:")


def key_of(agent: Mapping[str, Any]) -> str | None:
    """The key of a checked Agent or Group; None for an anonymous Group, which is never the same as another."""
    account = agent.get("account")
    if account is not None:
        # A home page is an IRI and has no bar in it, so the first bar ends it.
        return f"account:{account['homePage']}|{account['name']}"
    address = agent.get("mbox")
    if address is not None:
        local, _, domain = address.rpartition("@")
        return f"mbox:{local[_MAILTO:]}@{domain.lower()}"
    address = agent.get("mbox_sha1sum")
    if address is not None:
        return f"sha1:{address.lower()}"
    address = agent.get("openid")
    return None if address is None else f"openid:{address}"


def identifier_of(key: str) -> dict[str, Any]:
    """The identifying property that a key stands for, as an Agent has it; ValueError for what is no key."""
    kind, _, value = key.partition(":")
    match kind if value else "":
        case "mbox":
            return {"mbox": f"mailto:{value}"}
        case "sha1":
            return {"mbox_sha1sum": value}
        case "openid":
            return {"openid": value}
        case "account":
            home_page, bar, name = value.partition("|")
            if bar:
                return {"account": {"homePage": home_page, "name": name}}
    raise ValueError("An actor's key begins with mbox:, sha1:, openid: or account:")
