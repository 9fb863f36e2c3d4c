"""What an erasure is made of and what it leaves."""

import json
from dataclasses import dataclass
from hashlib import sha1

from academe.lrs.privacy.errors import NoAgentError
from academe.lrs.xapi import agents
from academe.lrs.xapi.faults import Refusal
from academe.lrs.xapi.identity import identifier_of, key_of

HOME_PAGE = "urn:academe:erased"
"""The home page of the accounts that stand for agents that were erased."""

_ADDRESS = "mbox:"


@dataclass(frozen=True, slots=True)
class Erasure:
    """How much was erased, and the accounts at `HOME_PAGE` by which it is known now, one for each identifier found.

    `before` and `after` are chained hashes of the statements, in the order of `stored`; each is empty when there were
    none. `after` can be computed again from the statements; `before` only with the installation's signing key.
    `files` are the digests of signatures that nothing needs any more.
    """

    statements: int
    documents: int
    signatures: int
    pseudonyms: tuple[str, ...]
    before: str
    after: str
    files: tuple[str, ...] = ()


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
