"""Who may set up webhooks: administrators of a whole institution. A webhook tells somebody else what happens here.

Row-level security repeats this (migration `tell_programs_by_webhooks`).
"""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, true

from academe.identity.api import institution_to_administer, institutions_to_administer, require
from academe.messaging.webhooks.models import WebhookEndpoint
from academe.platform.actor import Actor

ADMINISTRATORS_ONLY: Final = "Only administrators of the institution may look after its webhooks."


def can_manage_webhooks(actor: Actor) -> bool:
    """Set webhooks up at all."""
    return actor.is_system or bool(institutions_to_administer(actor))


def can_manage(actor: Actor, institution_id: UUID) -> bool:
    """Set up the webhooks of an institution, and see what they carry."""
    return actor.is_system or institution_id in institutions_to_administer(actor)


def managed_by(actor: Actor) -> ColumnElement[bool]:
    """The endpoints of institutions for which `can_manage` is true."""
    return true() if actor.is_system else WebhookEndpoint.institution_id.in_(institutions_to_administer(actor))


def require_managing(actor: Actor) -> None:
    """Raise unless `can_manage_webhooks`."""
    require(can_manage_webhooks(actor), actor, ADMINISTRATORS_ONLY)


def institution_to_manage(actor: Actor, given: UUID | None) -> UUID:
    """The institution of a new one: the one given, else the only one that the actor administers."""
    return institution_to_administer(actor, given, refusal=ADMINISTRATORS_ONLY)
