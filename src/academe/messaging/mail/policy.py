"""Who may look after the mail of an institution: its administrators and operators, at its root.

Operators may see no records of students. Of letters that are in trouble they see kind, state and what the server said;
whom it was for is shown to administrators. What the catcher keeps, outside production, both may open.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, false, true

from academe.identity.types import Role
from academe.messaging.mail.models import CaughtMail, MailMessage, UndeliverableAddress
from academe.platform.actor import Actor
from academe.platform.errors import AuthenticationRequiredError, PermissionDeniedError

KEEPING: Final = (Role.ADMINISTRATOR, Role.OPERATOR)


def institutions_of(actor: Actor, *roles: Role) -> frozenset[UUID]:
    """The institutions at whose root one of the roles is held."""
    return frozenset(
        scope.institution_id
        for scope in actor.scopes
        if scope.role in roles and scope.org_unit_id == scope.institution_id
    )


def keeps_mail(actor: Actor) -> bool:
    """Look after mail at all."""
    return actor.is_system or bool(institutions_of(actor, *KEEPING))


def can_keep(actor: Actor, institution_id: UUID) -> bool:
    """See and settle what does not arrive in an institution."""
    return actor.is_system or institution_id in institutions_of(actor, *KEEPING)


def kept_by(
    actor: Actor, table: type[MailMessage] | type[CaughtMail] | type[UndeliverableAddress]
) -> ColumnElement[bool]:
    """The rows for whose institution `can_keep` is true."""
    if actor.is_system:
        return true()
    kept = institutions_of(actor, *KEEPING)
    return table.institution_id.in_(kept) if kept else false()


def can_see_receivers(actor: Actor, institution_id: UUID) -> bool:
    """See whom a letter is for: administrators."""
    return actor.is_system or institution_id in institutions_of(actor, Role.ADMINISTRATOR)


def require_keeping(actor: Actor) -> None:
    """Raise unless `keeps_mail`."""
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    if not keeps_mail(actor):
        raise PermissionDeniedError("Only administrators and operators of the institution may look after its mail.")
