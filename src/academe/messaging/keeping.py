"""The classes of messaging's records that rules of retention let go."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select

from academe.identity.models import Person
from academe.messaging.mail.models import MailMessage
from academe.messaging.notifications.models import Notification
from academe.messaging.types import MailStatus
from academe.platform.retention import RecordClass

_OVER: Final = (MailStatus.SENT, MailStatus.FAILED, MailStatus.SUPPRESSED)


def _notifications(institution_id: UUID, before: datetime) -> ColumnElement[bool]:
    people = select(Person.id).where(Person.institution_id == institution_id)
    # What waits for a digest would never be told.
    return and_(
        Notification.created_at < before, Notification.digest_due.is_(False), Notification.person_id.in_(people)
    )


def _letters(institution_id: UUID, before: datetime) -> ColumnElement[bool]:
    return and_(
        MailMessage.institution_id == institution_id, MailMessage.created_at < before, MailMessage.status.in_(_OVER)
    )


KEPT: Final = (
    RecordClass(
        "notifications",
        "Notifications",
        "What people were told in their bell, read or not, from the day they were told.",
        Notification,
        _notifications,
        Notification.person_id.expression,
        shortest_days=7,
    ),
    RecordClass(
        "letters",
        "Letters",
        "Mail that was sent, failed or was not wanted, with its text. Their keys keep one from being sent twice.",
        MailMessage,
        _letters,
        MailMessage.person_id.expression,
        shortest_days=30,
    ),
)
"""In the order in which pages list them."""
