"""What a legal hold keeps from happening."""

from academe.platform.errors import ConflictError, NotFoundError


class PersonHeldError(ConflictError):
    """The records of the person are under legal hold (409)."""

    title = "Under legal hold"

    def __init__(self) -> None:
        super().__init__("The records of this person are under legal hold; nothing of them may go until it is lifted.")


class HoldNotFoundError(NotFoundError):
    """There is no such hold in force, or it is not the actor's to know (404)."""

    title = "No such legal hold"
