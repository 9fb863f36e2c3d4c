"""Who may watch the store, and who may read what was stated.

Administrators and operators of a whole institution see how much arrives, from whom and how it is kept. Statements are
about people: administrators and auditors (who are the researchers) read them, operators do not. Both see only what the
senders of their institution have sent; senders of no institution are the installation's own, for its command line. The
tables themselves are closed to everybody but the system, which asks here first.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, true

from academe.lrs.senders.models import Sender
from academe.lrs.senders.policy import institutions_of
from academe.platform.actor import Actor

WATCHING: Final = ("administrator", "operator")
"""Roles that see figures, in the words of the modules above."""

READING: Final = ("administrator", "auditor")
"""Roles that read statements."""

WATCHERS_ONLY: Final = "Only administrators and operators of the institution may see what its senders do."
READERS_ONLY: Final = "Only administrators and auditors of the institution may read statements."


def can_watch(actor: Actor) -> bool:
    """See how much arrives, and from whom."""
    return actor.is_system or bool(institutions_of(actor, *WATCHING))


def can_read(actor: Actor) -> bool:
    """Read what was stated."""
    return actor.is_system or bool(institutions_of(actor, *READING))


def institutions_read_by(actor: Actor) -> frozenset[UUID]:
    """The institutions whose statements the actor reads; for the system they are not listed."""
    return institutions_of(actor, *READING)


def institutions_watched_by(actor: Actor) -> frozenset[UUID]:
    """The institutions whose figures the actor sees; for the system they are not listed."""
    return institutions_of(actor, *WATCHING)


def senders_watched_by(actor: Actor) -> ColumnElement[bool]:
    """The senders whose figures the actor sees."""
    return true() if actor.is_system else Sender.institution_id.in_(institutions_of(actor, *WATCHING))


def senders_read_by(actor: Actor) -> ColumnElement[bool]:
    """The senders whose statements the actor reads."""
    return true() if actor.is_system else Sender.institution_id.in_(institutions_of(actor, *READING))
