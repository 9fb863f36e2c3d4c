"""Who may erase an agent, and say how long statements are kept: the system, and administrators of an institution.

An agent that senders of several institutions, or of none, have reported is erased on the command line: an
administrator of one institution must not change what another one keeps. Rules of retention hold for the whole
installation, so administrators change them where all senders are their institution's.
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from academe.lrs.senders.policy import MANAGING, institutions_of
from academe.platform.actor import Actor

ADMINISTRATORS_ONLY: Final = "Only administrators of the institution may erase agents."
"""What whoever may not is told."""

ELSEWHERE: Final = (
    "Senders outside your institution have reported this agent; ask whoever operates the installation to erase it on"
    " the command line."
)
"""What an administrator is told who may erase other agents and not this one."""


RETENTION_OF_OTHERS: Final = (
    "Senders outside your institution use this installation, and rules hold for all of it; ask whoever operates it to"
    " change them on the command line."
)
"""What an administrator is told who sees the rules and may not change them."""


def can_erase(actor: Actor) -> bool:
    """Erase agents at all."""
    return actor.is_system or bool(institutions_of(actor, *MANAGING))


def can_erase_reported_by(actor: Actor, institutions: Collection[UUID | None]) -> bool:
    """Erase an agent that senders of these institutions have reported; None is a sender of no institution."""
    return actor.is_system or institutions_of(actor, *MANAGING).issuperset(institutions)


def can_see_retention(actor: Actor) -> bool:
    """See how long statements are kept, and what is over."""
    return actor.is_system or bool(institutions_of(actor, *MANAGING))


def can_change_retention(actor: Actor, institutions: Collection[UUID | None]) -> bool:
    """Change rules of an installation whose senders are of these institutions; None is the installation itself."""
    return actor.is_system or institutions_of(actor, *MANAGING).issuperset(institutions)
