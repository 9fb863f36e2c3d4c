"""What a forward lets through, where to, and how it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ForwardVersion(StrEnum):
    """The line of the standard that the other store speaks."""

    ONE = "1.0.3"
    TWO = "2.0"

    @property
    def header(self) -> str:
        """What `X-Experience-API-Version` says."""
        return "2.0.0" if self is ForwardVersion.TWO else self.value


class PauseReason(StrEnum):
    """Why a forward sends nothing."""

    PERSON = "person"
    CREDENTIALS = "credentials"
    EVERYTHING_REFUSED = "everything_refused"


class ForwardState(StrEnum):
    """How a forward stands at a moment."""

    ACTIVE = "active"
    FAILING = "failing"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class ForwardFilter:
    """Which statements are forwarded; a condition with nothing in it lets everything through, and all must hold.

    `verbs`, `activities` and `activity_types` are IRIs; an activity may stand anywhere in a statement, its type is that
    of the object; of activities and types, one is enough. `agents` are keys (`lrs.keys`) of the actor or the object.
    `voiding` says whether statements that void travel, `references` whether other statements about statements do.
    """

    verbs: Sequence[str] = ()
    activities: Sequence[str] = ()
    activity_types: Sequence[str] = ()
    senders: Sequence[UUID] = ()
    agents: Sequence[UUID] = ()
    registration: UUID | None = None
    voiding: bool = True
    references: bool = True
