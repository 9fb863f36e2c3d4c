"""What can go wrong with the embedded server, each said so that the person at the keyboard can act on it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from academe.platform.errors import AcademeError


class EmbeddedServerError(AcademeError):
    """The embedded database cannot be used; the message names the folder and the remedy."""

    status = 503
    title = "The embedded database is not available"


class OtherVersionError(EmbeddedServerError):
    """The folder was written by another major version of PostgreSQL."""

    title = "The database folder belongs to another version of PostgreSQL"


class ForeignFolderError(EmbeddedServerError):
    """The folder holds something that is not a PostgreSQL data folder."""

    title = "The folder is not a database folder"


class DiskFullError(EmbeddedServerError):
    """There is too little free space to create or to start the database."""

    title = "The disk of the database is full"


class FolderPermissionError(EmbeddedServerError):
    """The folder, or a folder above it, may not be entered or written by the account of the server."""

    title = "The database folder may not be used by this account"


class FolderBusyError(EmbeddedServerError):
    """Another process holds the folder and cannot be asked or waited for."""

    title = "The database folder is in use"


class StartupError(EmbeddedServerError):
    """The server did not start or did not stop; the message ends with the last lines of its log."""

    title = "The embedded database did not start"


MIB = 2**20
SPACE_TO_CREATE = 400 * MIB
"""Bytes: 100 for programs, a new cluster and its first log files, the rest for the first data to fit."""

SPACE_TO_START = 48 * MIB
"""Bytes: recovery may need three more segments of the write-ahead log."""

_FULL = ("No space left on device", "Disk quota exceeded")
_FORBIDDEN = ("ermission denied", "Read-only file system", "Operation not permitted")


def fitting_error(folder: Path, what: str, details: str) -> EmbeddedServerError:
    """The error that fits the words of a failed program or system call about `folder`."""
    if any(words in details for words in _FULL):
        return DiskFullError(f"{what}: {full_disk(folder, SPACE_TO_CREATE, 'hold a new database')}\n{details}")
    if any(words in details for words in _FORBIDDEN):
        return FolderPermissionError(
            f"{what}: {folder} or something in it may not be used. Run the command as the user who owns the "
            f"folder, or set ACADEME_DATA_DIR to a folder of your own.\n{details}"
        )
    return StartupError(f"{what} ({folder}).\n{details}")


def full_disk(folder: Path, required: int, purpose: str) -> str:
    """A sentence that says how much space is free around `folder` and how much is needed."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    return (
        f"the disk of {folder} is full; {free // MIB} MiB are free and {required // MIB} MiB are needed to "
        f"{purpose}. Free some space there, or set ACADEME_DATA_DIR to a folder on another disk."
    )


@contextmanager
def explained(folder: Path, what: str) -> Iterator[None]:
    """Turn the operating system's refusals inside the block into errors that say what to do."""
    try:
        yield
    except OSError as error:
        raise fitting_error(folder, what, str(error)) from error
