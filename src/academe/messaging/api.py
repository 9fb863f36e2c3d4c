"""The door of messaging for other modules."""

from academe.messaging.announcements.audiences import Audience, AudienceSource, register_audience
from academe.messaging.erasing import forget_messages
from academe.messaging.keeping import KEPT
from academe.messaging.message_templates.kinds import TemplateKind, Variable, VariableType, register_template_kind
from academe.messaging.message_templates.wording import notify_in_words
from academe.messaging.notifications.service import Notice, notify, notify_each
from academe.messaging.webhooks.events import EventKind, Happened, register_event

__all__ = [
    "KEPT",
    "Audience",
    "AudienceSource",
    "EventKind",
    "Happened",
    "Notice",
    "TemplateKind",
    "Variable",
    "VariableType",
    "forget_messages",
    "notify",
    "notify_each",
    "notify_in_words",
    "register_audience",
    "register_event",
    "register_template_kind",
]
