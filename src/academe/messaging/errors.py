"""Errors of messaging."""

from academe.platform.errors import NotFoundError


class NotificationNotFoundError(NotFoundError):
    """There is no such notification, or it was written to somebody else (404)."""

    title = "There is no such notification"
