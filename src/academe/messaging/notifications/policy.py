"""Who may read a notification: the person it was written to, and nobody else. Only Academe itself writes them."""

from sqlalchemy import ColumnElement, true

from academe.messaging.notifications.models import Notification
from academe.platform.actor import Actor
from academe.platform.errors import PermissionDeniedError


def can_notify(actor: Actor) -> bool:
    """Write into somebody's bell: Academe itself, when it receives a fact or does a job."""
    return actor.is_system


def require_notifying(actor: Actor) -> None:
    """Raise unless `can_notify`."""
    if not can_notify(actor):
        raise PermissionDeniedError("Notifications are written by Academe when it receives a fact.")


def can_read(actor: Actor, notification: Notification) -> bool:
    """Read a notification, and say that it was read."""
    return actor.is_system or notification.person_id == actor.person_id


def readable_by(actor: Actor) -> ColumnElement[bool]:
    """The notifications for which `can_read` is true."""
    return true() if actor.is_system else Notification.person_id == actor.person_id
