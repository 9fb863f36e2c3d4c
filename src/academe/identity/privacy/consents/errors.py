"""What can go wrong with consents."""

from academe.platform.errors import ConflictError, NotFoundError


class ConsentTextNotFoundError(NotFoundError):
    """There is no such text in the actor's institution (404)."""

    title = "No such consent"


class ConsentSupersededError(ConflictError):
    """There is a newer version of the text, or nobody is asked any more (409)."""

    title = "This text is no longer asked for"
