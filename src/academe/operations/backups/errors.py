"""What can be wrong with a backup, or with the place it is to go to."""

from academe.platform.errors import AcademeError, ConflictError, InvalidInputError


class BackupRefusedError(InvalidInputError):
    """The folder is not a whole backup, or the keys do not fit it; nothing was changed (422)."""

    title = "This backup cannot be restored"


class NotEmptyError(ConflictError):
    """Something is there already, which is not overwritten (409)."""

    title = "There is something already"


class ProgramFailedError(AcademeError):
    """A program of PostgreSQL ended with an error (500)."""

    status = 500
    title = "A program of PostgreSQL failed"
