"""Errors of senders and their credentials."""

from typing import ClassVar, Final

from academe.platform.errors import (
    AuthenticationRequiredError,
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
)

_LONGEST_SHOWN: Final = 60


class SenderNotFoundError(NotFoundError):
    """There is no such sender, or none that the actor may know of (404)."""

    title = "There is no such sender"


class SenderRevokedError(ConflictError):
    """The sender was revoked and stays so (409)."""

    title = "This sender is revoked; add another"


class SenderKeyInUseError(ConflictError):
    """Another sender, perhaps a revoked one, has this key (409)."""

    title = "This key is already used"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("key", "is already used; keys are never used again")])


class UnknownScopeError(InvalidInputError):
    """A word that names no scope (422)."""

    def __init__(self, word: str) -> None:
        message = f"There is no scope {word[:_LONGEST_SHOWN]!r}."
        super().__init__(message, errors=[FieldError("scopes", message)])


class CredentialsError(AuthenticationRequiredError):
    """A request to the LRS came without credentials, or with some that are not valid (401).

    `challenge` is the value of the WWW-Authenticate header. Why credentials are refused is not said: nobody is to learn
    which half of them is right.
    """

    title = "This needs the credentials of a sender"
    challenge: ClassVar[str] = 'Basic realm="xAPI", charset="UTF-8", Bearer realm="xAPI"'


class CredentialsRefusedError(CredentialsError):
    """Basic credentials that are malformed, unknown, revoked or expired, or of another kind than ours (401)."""

    title = "These credentials are not valid"


class TokenRefusedError(CredentialsError):
    """A bearer token that is malformed, expired, or of a sender that was revoked or has a new secret (401)."""

    title = "This token is not valid any more; ask for another"
    challenge = 'Bearer realm="xAPI", error="invalid_token"'
