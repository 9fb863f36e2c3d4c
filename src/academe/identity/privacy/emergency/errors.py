"""What can go wrong with access in an emergency."""

from academe.platform.errors import ConflictError, NotFoundError


class OpeningNotFoundError(NotFoundError):
    """There is no such opening, or it is not the actor's to know (404)."""

    title = "No such access in an emergency"


class OpeningNotNeededError(ConflictError):
    """The record is open to the actor already (409)."""

    title = "The record is open already"


class OpeningRunsError(ConflictError):
    """What still runs cannot be reviewed (409)."""

    title = "This access still runs"

    def __init__(self) -> None:
        super().__init__("This access still runs; end it, or review it when it is over.")
