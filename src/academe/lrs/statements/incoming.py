"""A request's statements on their way into the store: checked, and taken apart into what the tables keep."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from pydantic_core import to_json

from academe.lrs.keys import packed_key
from academe.lrs.senders.types import Sender
from academe.lrs.statements.attachments import StoredContent
from academe.lrs.xapi.identity import key_of
from academe.lrs.xapi.references import References, references
from academe.lrs.xapi.stored_form import kept
from academe.lrs.xapi.versions import Version
from academe.platform.database.packed import (
    NULL,
    packed_document,
    packed_float,
    packed_text,
    packed_time,
    packed_uuid,
)
from academe.platform.ids import new_ids

_LAST_WORD: Final = re.compile(r"[A-Za-z0-9_-]+(?=[^A-Za-z0-9_-]*\Z)")
_LONGEST_KIND: Final = 40
_LONGEST_SEARCHED: Final = 512


class Row(NamedTuple):
    """A row of `xapi_statement` without `stored`, each value packed for its column's array (`database.packed`)."""

    id: bytes
    sender_id: bytes
    authority_id: bytes
    agent_key: bytes
    verb_key: bytes
    activity_key: bytes
    registration: bytes
    happened_at: bytes
    version: bytes
    kind: bytes
    duration_seconds: bytes
    statement: bytes
    institution_id: bytes


@dataclass(slots=True)
class Incoming:
    """One statement, and what the tables keep of it.

    `is_named` says whether the sender chose the id; one of ours cannot be there yet. `agents`, `other_agents` and
    `activities` are the packed keys of what it mentions besides actor and object: agents that the plain filter finds,
    and those that it does not.
    """

    id: str
    is_named: bool
    statement: Mapping[str, Any]
    found: References
    row: Row
    agents: Sequence[bytes]
    other_agents: Sequence[bytes]
    activities: Sequence[bytes]


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
    whose = _Whose(
        packed_uuid(sender.id.bytes),
        packed_key(sender.authority_key),
        NULL if sender.institution_id is None else packed_uuid(sender.institution_id.bytes),
        packed_text(version.value),
        version,
    )
    return [
        _incoming(statement, found, next(fresh) if found.statement is None else UUID(found.statement), whose)
        for statement, found in zip(statements, given, strict=True)
    ]


class _Whose(NamedTuple):
    """What all statements of a request have in common."""

    sender: bytes
    authority: bytes
    institution: bytes
    packed_version: bytes
    version: Version


def _incoming(statement: Mapping[str, Any], found: References, identifier: UUID, whose: _Whose) -> Incoming:
    actor, activity, registration = found.actor, found.activity, found.registration
    timestamp, duration = found.timestamp, found.duration_seconds
    row = Row(
        packed_uuid(identifier.bytes),
        whose.sender,
        whose.authority,
        NULL if actor is None else packed_key(actor),
        packed_key(found.verb),
        NULL if activity is None else packed_key(activity),
        NULL if registration is None else packed_uuid(bytes.fromhex(registration.replace("-", ""))),
        NULL if timestamp is None else packed_time(timestamp),
        whose.packed_version,
        packed_kind(kind_of(statement, found.verb)),
        NULL if duration is None else packed_float(duration),
        packed_document(to_json(kept(statement, whose.version))),
        whose.institution,
    )
    narrow = [packed_key(key) for key in found.agents if key != actor]
    broad: Sequence[bytes] = ()
    if found.related_agents is not found.agents:
        broad = [packed_key(key) for key in found.related_agents - found.agents if key != actor]
    activities = [packed_key(iri) for iri in found.related_activities if iri != activity]
    is_named = found.statement is not None
    return Incoming(str(identifier), is_named, statement, found, row, narrow, broad, activities)


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


packed_kind: Final = lru_cache(maxsize=4096)(packed_text)


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
