"""Why somebody is not erased."""

from academe.platform.errors import ConflictError, FieldError, InvalidInputError


class ErasedAlreadyError(ConflictError):
    """The person was erased before (409)."""

    title = "Erased already"

    def __init__(self) -> None:
        super().__init__("This person was erased already.")


class NotConfirmedError(InvalidInputError):
    """What was typed to confirm is not the name of the person (422)."""

    title = "Not confirmed"

    def __init__(self) -> None:
        message = "Type the name as it is shown, to say that you mean this person."
        super().__init__(message, errors=[FieldError("confirmation", message)])
