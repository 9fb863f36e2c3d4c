"""Who may do what with senders.

Administrators of a whole institution add senders, revoke them and give them new secrets. Its operators see the list,
and no more: they may see no records of students, and a secret of a sender that reads would show them. Senders of no
institution are the installation's own, handled on its command line. Row-level security repeats this (migration
`know_xapi_senders`).
"""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, true

from academe.lrs.senders.models import Sender
from academe.platform.actor import Actor
from academe.platform.errors import AuthenticationRequiredError, PermissionDeniedError

MANAGING: Final = ("administrator",)
"""Roles that change senders, in the words of the modules above."""

SEEING: Final = (*MANAGING, "operator")
"""Roles that see which senders there are."""

MANAGERS_ONLY: Final = "Only administrators of the institution may change its senders."
"""What whoever may not is told."""


def institutions_of(actor: Actor, *roles: str) -> frozenset[UUID]:
    """The institutions at whose root one of the roles is held."""
    return frozenset(
        scope.institution_id
        for scope in actor.scopes
        if scope.role in roles and scope.org_unit_id == scope.institution_id
    )


def can_manage(actor: Actor, institution_id: UUID | None) -> bool:
    """Add, revoke and rotate senders of an institution; without one, only the system may."""
    return actor.is_system or institution_id in institutions_of(actor, *MANAGING)


def can_see_senders(actor: Actor) -> bool:
    """See senders at all."""
    return actor.is_system or bool(institutions_of(actor, *SEEING))


def senders_visible_to(actor: Actor) -> ColumnElement[bool]:
    """The senders that the actor may see."""
    return true() if actor.is_system else Sender.institution_id.in_(institutions_of(actor, *SEEING))


def require(permitted: bool, actor: Actor, sentence: str) -> None:
    """Raise unless permitted: nobody is asked to sign in, somebody is told what is missing."""
    if permitted:
        return
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    raise PermissionDeniedError(sentence)
