"""How whoever is to be erased is named: an agent as people write it, and the keys that mean the same person."""

import json
from hashlib import sha1
from typing import Final

from academe.lrs.privacy.errors import NoAgentError
from academe.lrs.xapi import agents
from academe.lrs.xapi.faults import Refusal
from academe.lrs.xapi.identity import identifier_of, key_of

_ADDRESS: Final = "mbox:"


def key_of_text(text: str) -> str:
    """The key (`xapi.identity`) of an Agent or Group given as JSON or as a key; raises NoAgentError."""
    if not text.lstrip().startswith("{"):
        try:
            return str(key_of(_checked(identifier_of(text.strip()))))
        except ValueError as error:
            raise NoAgentError(str(error)) from error
    try:
        given = json.loads(text)
    except ValueError as error:
        raise NoAgentError('An Agent must be JSON, such as {"mbox": "mailto:name@example.com"}.') from error
    key = key_of(_checked(given))
    if key is None:
        raise NoAgentError("A Group without an identifier is nobody; erase its members one by one.")
    return key


def keys_of_same(key: str) -> tuple[str, ...]:
    """The key, and for an address also that of its hash: whoever sent the hash meant the same person.

    The hash of an address in other letters than these is not found by it.
    """
    if not key.startswith(_ADDRESS):
        return (key,)
    address = f"mailto:{key.removeprefix(_ADDRESS)}".encode()
    return key, f"sha1:{sha1(address, usedforsecurity=False).hexdigest()}"


def _checked(agent: dict[str, object]) -> dict[str, object]:
    try:
        agents.actor(agent)
    except Refusal as refusal:
        raise NoAgentError(str(refusal)) from refusal
    return agent
