"""Errors of files with statements."""

from academe.platform.errors import ConflictError, InvalidInputError


class DamagedFileError(InvalidInputError):
    """A compressed file ends too early or cannot be read (422); all lines before that place are stored."""

    title = "The file is damaged"


class FileInTheWayError(ConflictError):
    """An export would write over a file (409)."""

    title = "There is such a file already"


class NotAnExportError(InvalidInputError):
    """A file cannot be gone on with, because its last line is no statement of this store (422)."""

    title = "This is not an export that can be gone on with"


class SenderNotInForceError(ConflictError):
    """The sender in whose name statements would be imported is revoked or expired (409)."""

    title = "This sender is revoked or expired"
