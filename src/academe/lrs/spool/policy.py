"""Who may see what was set aside, and who may dismiss it.

These are statements about people, so whoever reads statements reads them: administrators and auditors of the
institution whose sender sent them. Administrators dismiss. Row-level security repeats this.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, true

from academe.lrs.senders.policy import MANAGING, institutions_of
from academe.lrs.spool.models import XapiSetAside
from academe.platform.actor import Actor

READING: Final = (*MANAGING, "auditor")
"""Roles that read what was set aside, in the words of the modules above."""

READERS_ONLY: Final = "Only administrators and auditors of the institution may read statements."
MANAGERS_ONLY: Final = "Only administrators of the institution may dismiss statements that were set aside."


def can_read(actor: Actor) -> bool:
    """Read what was set aside."""
    return actor.is_system or bool(institutions_of(actor, *READING))


def readable_by(actor: Actor) -> ColumnElement[bool]:
    """What the actor reads."""
    return true() if actor.is_system else XapiSetAside.institution_id.in_(institutions_of(actor, *READING))


def can_dismiss(actor: Actor, institution_id: UUID | None) -> bool:
    """Delete what was set aside for a sender of the institution."""
    return actor.is_system or institution_id in institutions_of(actor, *MANAGING)
