"""Who words messages: administrators of a whole institution. Its staff see templates, to choose one.

Row-level security repeats this (migration `word_messages`).
"""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, true

from academe.identity.api import institution_to_administer, institutions_to_administer, require
from academe.messaging.message_templates.models import MessageTemplate
from academe.platform.actor import Actor

ADMINISTRATORS_ONLY: Final = "Only administrators of the institution may word its messages."


def words_messages(actor: Actor) -> bool:
    """Word messages at all."""
    return actor.is_system or bool(institutions_to_administer(actor))


def can_word(actor: Actor, institution_id: UUID) -> bool:
    """Word the messages of an institution."""
    return actor.is_system or institution_id in institutions_to_administer(actor)


def worded_by(actor: Actor) -> ColumnElement[bool]:
    """The templates of institutions for which `can_word` is true."""
    return true() if actor.is_system else MessageTemplate.institution_id.in_(institutions_to_administer(actor))


def choosable_by(actor: Actor) -> ColumnElement[bool]:
    """The templates that the actor may choose for a message of theirs: those of institutions where they hold a role."""
    if actor.is_system:
        return true()
    return MessageTemplate.institution_id.in_(sorted({scope.institution_id for scope in actor.scopes}))


def require_wording(actor: Actor) -> None:
    """Raise unless `words_messages`."""
    require(words_messages(actor), actor, ADMINISTRATORS_ONLY)


def institution_to_word(actor: Actor, given: UUID | None) -> UUID:
    """The institution of a new one: the one given, else the only one that the actor administers."""
    return institution_to_administer(actor, given, refusal=ADMINISTRATORS_ONLY)
