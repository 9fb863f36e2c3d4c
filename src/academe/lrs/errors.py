"""Errors of the learning record store, each with the status that the standard gives it."""

from academe.platform.errors import AcademeError, ConflictError, NotFoundError


class DocumentNotFoundError(NotFoundError):
    """There is no such document (404)."""

    title = "There is no such document"


class DocumentExistsError(ConflictError):
    """A document would be replaced by a sender that does not say which one it has seen (409)."""

    title = "There is such a document already"

    def __init__(self) -> None:
        super().__init__(
            "There is such a document already, and nothing was changed. Check its current state with a GET, then repeat"
            " the request with its current ETag in the If-Match header."
        )


class PreconditionFailedError(AcademeError):
    """What If-Match or If-None-Match demands does not hold (412)."""

    status = 412
    title = "A precondition of the request does not hold"
