"""A request's statements on their way into the store: checked, and taken apart into what the tables keep."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from academe.lrs.keys import key_text
from academe.lrs.senders.types import Sender
from academe.lrs.statements.attachments import StoredContent
from academe.lrs.xapi.identity import key_of
from academe.lrs.xapi.references import References, references
from academe.lrs.xapi.stored_form import kept
from academe.lrs.xapi.versions import Version
from academe.platform.ids import new_ids

_LAST_WORD: Final = re.compile(r"[A-Za-z0-9_-]+(?=[^A-Za-z0-9_-]*\Z)")
_LONGEST_KIND: Final = 40
_LONGEST_SEARCHED: Final = 512


@dataclass(frozen=True, slots=True)
class Incoming:
    """One statement. `row` has the columns of its tables by the short names that `store.STORE` reads.

    `is_named` says whether the sender chose the id; one of ours cannot be there yet.
    """

    id: str
    is_named: bool
    statement: Mapping[str, Any]
    found: References
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request brings, to be stored whole or not at all.

    `size` is the bytes of its body, `contents` are its attachments, whose bytes are stored already.
    """

    statements: Sequence[Incoming]
    version: Version
    sender: Sender
    size: int
    may_define: bool
    is_array: bool
    contents: Sequence[StoredContent] = ()


def incoming(statements: Sequence[Mapping[str, Any]], version: Version, sender: Sender) -> list[Incoming]:
    """Take checked statements apart; those without an id get one."""
    given = [references(_without_authority(statement), version) for statement in statements]
    fresh = iter(new_ids(sum(found.statement is None for found in given)))
    return [
        _incoming(statement, found, str(next(fresh)) if found.statement is None else found.statement, version, sender)
        for statement, found in zip(statements, given, strict=True)
    ]


def _incoming(
    statement: Mapping[str, Any], found: References, identifier: str, version: Version, sender: Sender
) -> Incoming:
    actor = found.actor
    mentioned = found.related_agents - {actor}
    activities = found.related_activities
    if found.activity is not None:
        activities -= {found.activity}
    row: dict[str, Any] = {
        "i": identifier,
        "n": sender.id.hex,
        "u": key_text(sender.authority_key),
        "v": key_text(found.verb),
        "k": kind_of(statement, found.verb),
        "w": version.value,
        "s": kept(statement, version),
    }
    if sender.institution_id is not None:
        row["q"] = sender.institution_id.hex
    if actor is not None:
        row["a"] = key_text(actor)
    if found.activity is not None:
        row["t"] = key_text(found.activity)
    if found.registration is not None:
        row["r"] = found.registration
    if found.timestamp is not None:
        row["h"] = found.timestamp.isoformat()
    if found.duration_seconds is not None:
        row["d"] = found.duration_seconds
    if mentioned:
        row["g"] = [key_text(key) for key in mentioned & found.agents]
        row["b"] = [key_text(key) for key in mentioned - found.agents]
    if activities:
        row["c"] = [key_text(activity) for activity in activities]
    return Incoming(identifier, found.statement is not None, statement, found, row)


def _without_authority(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    """The statement without the authority that the sender wrote: the store sets its own."""
    if "authority" not in statement:
        return statement
    return {key: value for key, value in statement.items() if key != "authority"}


def kind_of(statement: Mapping[str, Any], verb: str) -> str:
    """A word for what was done: the last of the activity's type, else the last of the verb."""
    definition = statement["object"].get("definition")
    iri = definition["type"] if definition and "type" in definition else verb
    # The end of it is enough. Senders must not choose how much memory is remembered, nor how long the search takes: it
    # grows with the square of the length.
    return _last_word(iri[-_LONGEST_SEARCHED:])


@lru_cache(maxsize=4096)
def _last_word(iri: str) -> str:
    match = _LAST_WORD.search(iri)
    return match[0][:_LONGEST_KIND].lower() if match else "other"


def agents_named(statements: Iterable[Incoming]) -> dict[tuple[str, str], str]:
    """The type of each agent that is actor or object, by its key and the name it is given, which may be empty."""
    named: dict[tuple[str, str], str] = {}
    for one in statements:
        for agent in (one.statement["actor"], one.statement["object"]):
            kind = agent.get("objectType", "Agent")
            if kind in ("Agent", "Group") and "id" not in agent and (key := key_of(agent)) is not None:
                named[key, agent.get("name", "")] = kind
    return named


def identifier_of(one: Incoming) -> UUID:
    """The id as a UUID."""
    return UUID(one.id)
