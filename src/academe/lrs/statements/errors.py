"""Errors of statements."""

from academe.platform.errors import ConflictError, FieldError, NotFoundError, ServiceUnavailableError


class StatementConflictError(ConflictError):
    """Another statement has the id (409)."""

    title = "Another statement has this id"

    def __init__(self, pointer: str, identifier: str) -> None:
        message = f"A statement with the id {identifier} is there, and it is not the same; statements never change."
        super().__init__(f"{pointer}: {message}", errors=[FieldError(pointer, message)])


class StatementNotFoundError(NotFoundError):
    """There is no such statement, or it is voided, or it was asked for as voided and is not (404)."""

    title = "There is no such statement"


class AttachmentNotFoundError(NotFoundError):
    """The statement names no attachment of this hash, or its content is not in the store (404)."""

    title = "There is no such attachment"


class IntakeFullError(ServiceUnavailableError):
    """More statements wait than memory is set aside for (503); `Retry-After` says when to come again."""

    title = "Too many statements are waiting; send this again in a moment"
