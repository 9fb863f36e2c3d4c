"""Errors of tokens, with the words of RFC 6750 and RFC 6749."""

from academe.platform.errors import AuthenticationRequiredError, ConflictError, NotFoundError, PermissionDeniedError


class TokenNotFoundError(NotFoundError):
    """There is no such token, or it is somebody else's, or it is revoked (404)."""

    title = "There is no such token"


class ServiceAccountNotFoundError(NotFoundError):
    """There is no such service account, or none that the actor may manage, or it is revoked (404)."""

    title = "There is no such service account"


class TooManyTokensError(ConflictError):
    """The person has as many tokens as one may have (409)."""

    title = "You have too many tokens; revoke one first"


class TokenRefusedError(AuthenticationRequiredError):
    """The token is unknown, over, revoked, or of somebody who may not act; or it was shown to a page (401)."""

    title = "This token opens nothing here"
    challenge = 'Bearer realm="Academe", error="invalid_token"'


class ScopeMissingError(PermissionDeniedError):
    """The token does not hold the scope that is needed (403)."""

    title = "This token may not do this"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The token does not hold the scope {scope}.")
        self.challenge = f'Bearer realm="Academe", error="insufficient_scope", scope="{scope}"'


class GrantRefusedError(Exception):
    """No token is given at the token endpoint; `error` is a word of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
