"""What can go wrong with a restriction."""

from academe.platform.errors import ConflictError, NotFoundError


class RestrictionNotFoundError(NotFoundError):
    """There is no such restriction in force, or it is not the actor's to know (404)."""

    title = "No such restriction"


class RestrictedAlreadyError(ConflictError):
    """The processing of the person's data is restricted (409)."""

    title = "Restricted already"
