"""What endpoints can be told: kinds of events, supplied by the modules that know the facts, registered by the roots.

An event says what happened and about which things, never more about people than their ids: whoever is told asks for
the rest, with rights of their own.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from academe.platform.database.session import Session
from academe.platform.outbox.service import Fact

PING: Final = "webhook.ping"
"""What an endpoint is sent to try it; nobody subscribes to it."""


@dataclass(frozen=True, slots=True)
class Happened:
    """A fact as an endpoint of the institution is told it; `data` is JSON, `link` a path or nothing.

    `person_id` is whom it concerns, where it is one person: it is then in the copy of what is known about them.
    """

    institution_id: UUID
    data: Mapping[str, object] = field(default_factory=dict)
    link: str = ""
    person_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EventKind:
    """One kind: its name in payloads, its words for whoever subscribes, the fact, and how the fact is read.

    `read` gets the fact as it was announced and acts as the system; None means that no institution is concerned.
    """

    name: str
    words: str
    fact: type[Fact]
    read: Callable[[Session, Any], Awaitable[Happened | None]]


_kinds: Final[dict[str, EventKind]] = {}


def register_event(kind: EventKind) -> None:
    """Make a kind known; for composition roots."""
    _kinds[kind.name] = kind


def event_kinds() -> Sequence[EventKind]:
    """Every kind that endpoints can subscribe to, in the order of names."""
    return [_kinds[name] for name in sorted(_kinds)]
