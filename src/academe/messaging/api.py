"""The door of messaging for other modules."""

from academe.messaging.notifications.service import Notice, notify, notify_each

__all__ = ["Notice", "notify", "notify_each"]
