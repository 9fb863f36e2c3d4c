"""Who sends, and what a sender may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID


class Scope(StrEnum):
    """What a sender may do, in the words of the standard (xAPI 1.0.3, part three, 4.2; 2.0, 4.3.3)."""

    WRITE_STATEMENTS = "statements/write"
    READ_OWN_STATEMENTS = "statements/read/mine"
    READ_STATEMENTS = "statements/read"
    STATE = "state"
    DEFINE = "define"
    PROFILE = "profile"
    READ_ALL = "all/read"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Sender:
    """A program with credentials. `authority` is the Agent in whose name its statements stand; `authority_key` its
    key. It reads what senders of its institution have sent; without one, what all have.
    """

    id: UUID
    name: str
    authority: Mapping[str, Any]
    authority_key: str
    scopes: frozenset[Scope]
    institution_id: UUID | None = None

    def may_know_of(self, institution_id: UUID | None) -> bool:
        """Whether it may learn of what a sender of an institution, or of none, has sent."""
        return self.institution_id is None or self.institution_id == institution_id
