"""Errors of identity."""

from academe.platform.errors import (
    AuthenticationRequiredError,
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)


class OrgUnitNotFoundError(NotFoundError):
    """There is no such node of the organisation tree (404)."""

    title = "There is no such part of the organisation"


class PersonNotFoundError(NotFoundError):
    """There is no such person, or none that the actor may know of (404)."""

    title = "There is no such person"


class MergeRefusedError(ConflictError):
    """Two people cannot be made one: they are, or both have what a person may have once; `errors` name it (409)."""

    title = "These two cannot be merged"


class ImportNotFoundError(NotFoundError):
    """There is no such import, or none of an institution whose people the actor registers (404)."""

    title = "There is no such import"


class PictureNotFoundError(NotFoundError):
    """The person has no picture, or the actor may not know of the person (404)."""

    title = "There is no picture"


class AccountNotFoundError(NotFoundError):
    """The person has no account (404)."""

    title = "This person has no account"


class RoleGrantNotFoundError(NotFoundError):
    """There is no such role grant, or none that the actor may know of (404)."""

    title = "There is no such role"


class SessionNotFoundError(NotFoundError):
    """There is no such session, or it is somebody else's (404)."""

    title = "There is no such session"


class CodeInUseError(ConflictError):
    """The institution already has a node with this code (409)."""

    title = "This code is already used in the institution"

    def __init__(self, code: str) -> None:
        super().__init__(f"The code {code!r} is already used.", errors=[FieldError("code", "is already used")])


class NodeClosedError(ConflictError):
    """A closed node gets nothing new: no node below it and no role (409)."""

    title = "This part of the organisation is closed"


class NodeInUseError(ConflictError):
    """The node is not empty, or holds records: it may be closed and never removed (409)."""

    title = "This part of the organisation is in use"


class PersonKnownError(ConflictError):
    """The institution already knows a person by this identifier of the source system (409)."""

    title = "This person is already known"

    def __init__(self) -> None:
        super().__init__(
            "The institution already knows a person by this identifier.",
            errors=[FieldError("sourced_id", "is already used")],
        )


class AddressInUseError(ConflictError):
    """Another account signs in with this address, or the person already has an account (409)."""

    title = "This address is already used"

    def __init__(self) -> None:
        super().__init__(
            "An account with this e-mail address exists, or the person has one already.",
            errors=[FieldError("email", "is already used")],
        )


class RoleHeldError(ConflictError):
    """The person holds this role at this node already, in the same time (409)."""

    title = "This role is already held"


class LastAdministratorError(ConflictError):
    """Ending the role would leave an institution without an administrator (409)."""

    title = "An institution needs an administrator"

    def __init__(self) -> None:
        super().__init__("This is the last administrator of the institution; grant the role to somebody else first.")


class WeakPasswordError(InvalidInputError):
    """The new password breaks the rule; `errors` say which (422)."""

    title = "Please choose another password"

    def __init__(self, message: str, *, field: str = "password") -> None:
        super().__init__(message, errors=[FieldError(field, message)])


class WrongPasswordError(InvalidInputError):
    """The present password, asked for before it is changed, is not right (422)."""

    title = "This is not your present password"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("present_password", "This is not your present password.")])


class SignInRefusedError(InvalidInputError):
    """Address and password do not belong together; which of them is wrong is not told (422)."""

    title = "The e-mail address or the password is not right"


class TooManyAttemptsError(InvalidInputError):
    """This address was tried too often from this network (429); `seconds` until the next attempt counts."""

    status = 429
    title = "Too many attempts"

    def __init__(self, seconds: float) -> None:
        minutes = max(1, round(seconds / 60))
        wait = f"{minutes} minutes" if minutes > 1 else "a minute"
        super().__init__(f"There were too many attempts with this address from here. Please try again in {wait}.")
        self.seconds = seconds


class SignInExpiredError(AuthenticationRequiredError):
    """The second step came too late, or was tried too often: the password is asked for again (401)."""

    title = "This sign-in took too long or was tried too often; please begin again"


class WrongCodeError(InvalidInputError):
    """The code of the second factor is not right, or was used before (422)."""

    title = "This code is not right"

    def __init__(self) -> None:
        message = "This code is not right, or was used before. Please wait for the next one."
        super().__init__(message, errors=[FieldError("code", message)])


class RecentSignInRequiredError(PermissionDeniedError):
    """How somebody signs in is changed only shortly after they have signed in (403)."""

    title = "Please sign in again first"


class SecondFactorRequiredError(PermissionDeniedError):
    """The institution asks holders of the actor's role for a second factor, and the actor has none yet (403)."""

    title = "Your role needs a second factor"
    leads_to = "/account/security"

    def __init__(self) -> None:
        super().__init__("Your institution asks for a second factor in your role. Set one up at /account/security.")


class MasqueradeRefusedError(PermissionDeniedError):
    """An administrator acts as somebody of whom or while this is not allowed (403)."""

    title = "This is not possible while acting as somebody else"


class FactorStateError(ConflictError):
    """An authenticator app is there already, or none that waits for its first code (409)."""

    title = "This does not fit how you sign in at present"


class PasskeyNotFoundError(NotFoundError):
    """There is no such passkey, or it is somebody else's (404)."""

    title = "There is no such passkey"


class PasskeyRefusedError(InvalidInputError):
    """The passkey's answer is not right, came too late or from another browser; which is not told (422)."""

    title = "This passkey was not accepted. Please try again"


class LinkNotValidError(NotFoundError):
    """A link to sign in that was used, is too old, or is not of ours (404)."""

    title = "This link is not valid any more"
