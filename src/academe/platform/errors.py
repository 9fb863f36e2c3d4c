"""Errors that a caller can act on, each with the HTTP status that says so.

Small classes live beside the code that raises them; these are the ones shared by every module. The HTTP edge turns
them into RFC 9457 problem responses or error pages; the command line into one line and an exit code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of the input: where it is and what is wrong.

    `field` is a dotted path (`items.3.score`) or the name of a column; `line` is 1-based and counts the header of a
    file as line 1.
    """

    field: str
    message: str
    line: int | None = None


class AcademeError(Exception):
    """Base of every error that is meant for the person or program that called.

    The message is shown to that caller: it names the thing and says what to do, and holds no personal data.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    leads_to: ClassVar[str] = ""
    """The page of ours on which a person can do what is missing; browsers are led there at once."""

    def __init__(self, message: str = "", *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message or self.title)
        self.message = message or self.title
        self.errors = tuple(errors)


class BadRequestError(AcademeError):
    """The request cannot be understood (400)."""

    status = 400
    title = "The request could not be understood"


class AuthenticationRequiredError(AcademeError):
    """Nobody is signed in (401)."""

    status = 401
    title = "Please sign in"


class PermissionDeniedError(AcademeError):
    """The actor is known and may not do this (403)."""

    status = 403
    title = "You do not have permission to do this"


class NotFoundError(AcademeError):
    """There is no such thing, or none that the actor may know of (404)."""

    status = 404
    title = "Not found"


class ConflictError(AcademeError):
    """The thing changed meanwhile, or the action does not fit its state (409)."""

    status = 409
    title = "This does not fit the present state"


class InvalidInputError(AcademeError):
    """The input breaks a rule; `errors` name the fields or lines (422)."""

    status = 422
    title = "Please correct the input"


class ServiceUnavailableError(AcademeError):
    """Something the service needs does not answer; trying again later may help (503)."""

    status = 503
    title = "The service is not available right now"
