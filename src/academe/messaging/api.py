"""The door of messaging for other modules."""

from academe.messaging.announcements.audiences import Audience, AudienceSource, register_audience
from academe.messaging.erasing import forget_messages
from academe.messaging.notifications.service import Notice, notify, notify_each
from academe.messaging.webhooks.events import EventKind, Happened, register_event

__all__ = [
    "Audience",
    "AudienceSource",
    "EventKind",
    "Happened",
    "Notice",
    "forget_messages",
    "notify",
    "notify_each",
    "register_audience",
    "register_event",
]
