"""Who may do what with forwards.

Administrators of a whole institution set them up, change and remove them: a forward carries what is known about people
to somebody else. Its operators see how they do, pause them, let them go on, and have statements sent again or skipped;
they do not see what they carry. Forwards of no institution are the installation's own, handled on its command line.
Row-level security repeats this (migration `forward_xapi_statements`).
"""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, true

from academe.lrs.forwarding.models import XapiForward
from academe.lrs.senders.policy import institutions_of
from academe.platform.actor import Actor

MANAGING: Final = ("administrator",)
"""Roles that set forwards up, in the words of the modules above."""

RUNNING: Final = (*MANAGING, "operator")
"""Roles that see forwards and keep them going."""

MANAGERS_ONLY: Final = "Only administrators of the institution may say what is forwarded, and where to."
RUNNERS_ONLY: Final = "Only administrators and operators of the institution may see its forwards."


def can_manage(actor: Actor, institution_id: UUID | None) -> bool:
    """Add, change and remove forwards of an institution; without one, only the system may."""
    return actor.is_system or institution_id in institutions_of(actor, *MANAGING)


def can_manage_any(actor: Actor) -> bool:
    """Add forwards at all."""
    return actor.is_system or bool(institutions_of(actor, *MANAGING))


def can_see_forwards(actor: Actor) -> bool:
    """See forwards at all, and keep those going that are seen."""
    return actor.is_system or bool(institutions_of(actor, *RUNNING))


def forwards_visible_to(actor: Actor) -> ColumnElement[bool]:
    """The forwards that the actor may see."""
    return true() if actor.is_system else XapiForward.institution_id.in_(institutions_of(actor, *RUNNING))
