"""What the learning record store announces."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from academe.platform.outbox.service import Fact


@dataclass(frozen=True, slots=True)
class ActivityRecorded(Fact):
    """The days of some actors in one context have changed in the rollup (`activity_day`)."""

    KIND: ClassVar[str] = "lrs.activity_recorded"

    context_id: UUID
    actor_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class AgentErased(Fact):
    """An agent is known by a pseudonym from now on: whoever keeps rows by its key has them to erase or to re-key.

    Both are keys (`lrs.keys`), which `xapi_statement.agent_key` holds: before the erasure and after.
    """

    KIND: ClassVar[str] = "lrs.agent_erased"

    agent_key: UUID
    pseudonym_key: UUID


@dataclass(frozen=True, slots=True)
class ForwardPaused(Fact):
    """A forward (`lrs.forwarding`) has paused by itself, and sends nothing until somebody resumes it.

    `why` is a sentence about the other store, without a word of what it was sent.
    """

    KIND: ClassVar[str] = "lrs.forward_paused"

    forward_id: UUID
    institution_id: UUID | None
    name: str
    why: str
