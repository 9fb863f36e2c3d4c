"""Errors of forwards."""

from academe.platform.errors import ConflictError, NotFoundError


class ForwardNotFoundError(NotFoundError):
    """There is no such forward, or none that the actor may know of (404)."""

    title = "There is no such forward"


class LetterNotFoundError(NotFoundError):
    """The forward has no such dead letter (404)."""

    title = "There is no such dead letter"


class NothingToSkipError(ConflictError):
    """A forward would skip a statement and has none ahead of it that fits (409)."""

    title = "There is nothing to skip"
