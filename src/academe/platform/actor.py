"""Who acts: the first argument of every verb and the row-level-security context of every transaction."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID


class ActorKind(StrEnum):
    """What acts: nobody known, a person, or Academe itself (jobs, imports, commands of the operator)."""

    ANONYMOUS = "anonymous"
    PERSON = "person"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class RoleScope:
    """One role in force for an actor, at a node of the organisation tree or in one offering.

    Platform reads neither the role nor the ids: `identity` fills them and the policies of other modules ask about them.
    Exactly one of `org_unit_id` and `offering_id` is set. `institution_id` is the root of the tree the scope lies in.
    """

    role: str
    institution_id: UUID
    org_unit_id: UUID | None = None
    offering_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record that somebody has opened in an emergency: its opening, whose it is, and until when it is open."""

    id: UUID
    person_id: UUID
    name: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, with the roles that are in force.

    `person_id` is set exactly when `kind` is PERSON. `label` is shown in the page header and in audit entries; for
    people it is the name they go by, so it is never logged. `reason` says why the system acts ("import oulad").
    `masquerader_id` and `masquerader` are the administrator who acts in the person's name; audit entries carry both.
    `opened` is what the banner says is open in an emergency; it opens nothing, which the database does.
    """

    kind: ActorKind
    label: str
    person_id: UUID | None = None
    scopes: tuple[RoleScope, ...] = ()
    session_id: UUID | None = None
    masquerader_id: UUID | None = None
    masquerader: str = ""
    opened: tuple[OpenedRecord, ...] = ()

    def __post_init__(self) -> None:
        if (self.person_id is not None) != (self.kind is ActorKind.PERSON):
            raise ValueError("person_id is set for persons and only for them")

    @property
    def is_anonymous(self) -> bool:
        """Nobody is signed in."""
        return self.kind is ActorKind.ANONYMOUS

    @property
    def is_system(self) -> bool:
        """Academe itself acts, not a person."""
        return self.kind is ActorKind.SYSTEM

    @property
    def roles(self) -> frozenset[str]:
        """The roles held anywhere."""
        return frozenset(scope.role for scope in self.scopes)

    def has_role(self, *roles: str) -> bool:
        """Whether one of the roles is held anywhere; where it is held is for the policies to ask."""
        return any(scope.role in roles for scope in self.scopes)

    def org_unit_ids(self, *roles: str) -> frozenset[UUID]:
        """The nodes at which one of the roles is held; `identity` has listed the nodes below them too."""
        return frozenset(s.org_unit_id for s in self.scopes if s.role in roles and s.org_unit_id is not None)

    def offering_ids(self, *roles: str) -> frozenset[UUID]:
        """The offerings in which one of the roles is held."""
        return frozenset(s.offering_id for s in self.scopes if s.role in roles and s.offering_id is not None)


ANONYMOUS: Final = Actor(kind=ActorKind.ANONYMOUS, label="anonymous")


def system_actor(reason: str) -> Actor:
    """The actor for work that no person asked for: a job, an import, a command of the operator."""
    return Actor(kind=ActorKind.SYSTEM, label=f"system: {reason}")
