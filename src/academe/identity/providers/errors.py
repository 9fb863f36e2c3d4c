"""Errors of signing in by a provider."""

from academe.platform.errors import ConflictError, FieldError, InvalidInputError, NotFoundError


class ProviderNotFoundError(NotFoundError):
    """There is no such provider, or none that the actor may know of, or it is switched off (404)."""

    title = "There is no such sign-in provider"


class IdentityNotFoundError(NotFoundError):
    """There is no such connection to a provider, or it is somebody else's (404)."""

    title = "There is no such connection"


class ProviderKnownError(ConflictError):
    """The institution has a provider of this issuer and client already (409)."""

    title = "This provider is configured already"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("issuer", "The institution has a provider with this issuer already.")])


class ProviderFailedError(InvalidInputError):
    """The provider cannot be asked, or what it says does not hold (422); the text says what, without any secret."""

    title = "The provider could not be asked"


class SignInNotFinishedError(InvalidInputError):
    """The browser came back with something that cannot be accepted; what is wrong is in the log (422)."""

    title = "This sign-in could not be finished. Please begin again"


class IdentityRefusedError(InvalidInputError):
    """The provider knows the person, and nobody here may be opened to them (422)."""

    title = "You are not known here by this sign-in"

    def __init__(self) -> None:
        super().__init__(
            "Your account here is not connected with this sign-in. Sign in another way and connect it under"
            " “How you sign in”, or ask an administrator."
        )


class IdentityTakenError(ConflictError):
    """The identity belongs to somebody else already, or the person has another one at the provider (409)."""

    title = "This sign-in is connected already"
