"""What can go wrong with a request for a correction."""

from academe.platform.errors import ConflictError, NotFoundError


class RectificationNotFoundError(NotFoundError):
    """There is no such request, or it is not the actor's to know (404)."""

    title = "No such request for a correction"


class RectificationDecidedError(ConflictError):
    """The request was decided or withdrawn (409)."""

    title = "This request is settled already"


class TooManyRectificationsError(ConflictError):
    """The person has as many open requests as may be (409)."""

    title = "Too many open requests"
