"""The only ways of a person to a sender: each takes the actor. What the actor may not know of is not found."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select

from academe.lrs.senders import policy
from academe.lrs.senders.errors import SenderNotFoundError
from academe.lrs.senders.models import Sender
from academe.lrs.senders.queries import ListedSender, listed, senders
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import FieldError, InvalidInputError

_NOT_YOURS = "Only administrators and operators of the institution may see its senders."


def senders_for(actor: Actor) -> Select[*tuple[Any, ...]]:
    """The senders that the actor may see; raises PermissionDeniedError for those who may see none."""
    policy.require(policy.can_see_senders(actor), actor, _NOT_YOURS)
    return senders(policy.senders_visible_to(actor))


async def sender_for(session: Session | ReadSession, *, actor: Actor, sender_id: UUID) -> ListedSender:
    """One sender that the actor may see; raises SenderNotFoundError and PermissionDeniedError."""
    row = (await session.execute(senders_for(actor).where(Sender.id == sender_id))).one_or_none()
    if row is None:
        raise SenderNotFoundError
    return listed(row)


def institution_to_manage(actor: Actor, given: UUID | None) -> UUID | None:
    """The institution that a new sender is for: the one given, else the only one that the actor administers.

    Raises PermissionDeniedError for those who administer none, InvalidInputError when there are several.
    """
    managed = policy.institutions_of(actor, *policy.MANAGING)
    policy.require(actor.is_system or bool(managed), actor, policy.MANAGERS_ONLY)
    if given is not None or actor.is_system:
        return given
    if len(managed) > 1:
        raise InvalidInputError(errors=[FieldError("institution_id", "Please say for which institution.")])
    return next(iter(managed))
