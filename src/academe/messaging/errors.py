"""Errors of messaging."""

from academe.platform.errors import ConflictError, NotFoundError


class NotificationNotFoundError(NotFoundError):
    """There is no such notification, or it was written to somebody else (404)."""

    title = "There is no such notification"


class LetterNotFoundError(NotFoundError):
    """There is no such letter, or none that the actor may know of (404)."""

    title = "There is no such letter"


class LetterStateError(ConflictError):
    """The letter is not in a state in which this can be done (409)."""

    title = "This letter needs no decision any more"


class AddressNotFoundError(NotFoundError):
    """The address is written to already (404)."""

    title = "This address is written to already"


class AnnouncementNotFoundError(NotFoundError):
    """There is no such announcement, or none that the actor may know of (404)."""

    title = "There is no such announcement"


class AnnouncementStateError(ConflictError):
    """The announcement was sent or cancelled already (409)."""

    title = "Only an announcement that is still planned can be changed"
