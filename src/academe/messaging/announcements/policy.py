"""Who may announce and who may see an announcement before it reaches its audience.

Whom somebody may address is for the audience's module to say. An announcement is seen by its author and by the
administrators of the institution; its author changes it, and administrators may cancel it.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, or_, true

from academe.identity.types import Role
from academe.messaging.announcements.models import Announcement
from academe.platform.actor import Actor


def may_announce(actor: Actor) -> bool:
    """Whether it is worth showing the page: those who teach and those who keep records address somebody."""
    return actor.has_role(Role.LECTURER, Role.CONVENOR, Role.REGISTRAR, Role.ADMINISTRATOR)


def can_see(actor: Actor, announcement: Announcement) -> bool:
    """See an announcement and how many have read it."""
    return (
        actor.is_system
        or announcement.author_id == actor.person_id
        or announcement.institution_id in _administered(actor)
    )


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """The announcements for which `can_see` is true."""
    if actor.is_system:
        return true()
    administered = Announcement.institution_id.in_(_administered(actor))
    return or_(Announcement.author_id == actor.person_id, administered)


def can_change(actor: Actor, announcement: Announcement) -> bool:
    """Change what it says, to whom and when: its author."""
    return announcement.author_id == actor.person_id


def _administered(actor: Actor) -> frozenset[UUID]:
    return frozenset(
        scope.institution_id
        for scope in actor.scopes
        if scope.role == Role.ADMINISTRATOR and scope.org_unit_id == scope.institution_id
    )
