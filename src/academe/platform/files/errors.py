"""What can go wrong with files. Callers may be programs of strangers: where the files are is only in the log."""

from academe.platform.errors import AcademeError, NotFoundError, ServiceUnavailableError


class FileNotStoredError(NotFoundError):
    """There is no file of this digest (404)."""

    title = "There is no such file"


class FileStorageFullError(AcademeError):
    """There is no space left for files; what was to be stored is not there (507, RFC 4918, section 11.5)."""

    status = 507
    title = "There is no space left for files"

    def __init__(self) -> None:
        super().__init__("There is no space left for files. Nothing was stored; try again when space has been made.")


class FilesUnavailableError(ServiceUnavailableError):
    """The files cannot be read or written right now (503)."""

    title = "Files cannot be read or written right now"


class FileDamagedError(AcademeError):
    """The bytes of a file are not those that its digest names: its disk or somebody else has changed them (500)."""

    title = "A stored file is damaged"

    def __init__(self, digest: str) -> None:
        super().__init__(f"The stored file {digest} is damaged. Bring it back from a backup.")
