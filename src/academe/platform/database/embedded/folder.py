"""The data folder of the embedded server: what lies there, how it is made, and how it is configured."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from academe.platform.database.embedded.account import ServerAccount, account_of, wheel_version
from academe.platform.database.embedded.errors import (
    SPACE_TO_CREATE,
    SPACE_TO_START,
    DiskFullError,
    FolderPermissionError,
    ForeignFolderError,
    OtherVersionError,
    fitting_error,
    full_disk,
)
from academe.platform.database.embedded.process import require_private, socket_file
from academe.platform.database.embedded.provision import SUPERUSER
from academe.platform.database.embedded.settings import (
    LOCAL_SETTINGS,
    Machine,
    render_access,
    render_identities,
    render_settings,
    server_settings,
)

# The address of a Unix socket has 104 bytes on macOS and 108 on Linux, including the final zero.
_LONGEST_SOCKET_PATH = 103

# Letters are told from other characters by the C library in pg_trgm and in the text search; every current
# Linux has C.UTF-8, and a system without it loses only the non-English letters there.
_CHARACTER_LOCALES = ("C.UTF-8", "C")


def beside(folder: Path, what: str) -> Path:
    """The path of a helper file or folder next to the data folder."""
    return folder.with_name(f".{folder.name}.{what}")


def socket_directory(folder: Path) -> Path:
    """The data folder itself, which is private; a folder below /tmp when its path is too long for a socket.

    Not the session's runtime folder: it vanishes when the user signs out, and the server stays.
    """
    path = os.fsencode(socket_file(folder))
    # libpq reads a comma as the end of a host's name, the server a quotation mark as the end of a path.
    if len(path) <= _LONGEST_SOCKET_PATH and not set(path) & set(b',"'):
        return folder
    return Path("/tmp") / f"academe-{hashlib.sha256(path).hexdigest()[:16]}"  # noqa: S108 - ownership is checked


def is_new(folder: Path) -> bool:
    """Whether the data folder is to be created; raises when what is there cannot be used. Changes nothing."""
    if not folder.exists():
        return True
    if not folder.is_dir():
        raise ForeignFolderError(f"{folder} is a file; the database needs a folder there.")
    version = folder / "PG_VERSION"
    if not version.is_file():
        if any(folder.iterdir()):
            raise ForeignFolderError(
                f"The folder {folder} is not empty and not a PostgreSQL data folder (it has no PG_VERSION): "
                "set ACADEME_DATA_DIR to another folder, or move its content away. Nothing was changed."
            )
        return True
    found, ours = version.read_text().strip(), wheel_version().split(".")[0]
    if found != ours:
        raise OtherVersionError(
            f"The database folder {folder} belongs to PostgreSQL {found}; this release brings "
            f"PostgreSQL {ours}. Dump it with version {found} (pg_dumpall) and load it into a new folder, or "
            "set ACADEME_DATA_DIR to another folder. Nothing was changed."
        )
    return False


def require_space(folder: Path, required: int | None, *, new: bool) -> None:
    """Raise `DiskFullError` when fewer than `required` bytes (None: the usual) are free around `folder`."""
    if required is None:
        required = SPACE_TO_CREATE if new else SPACE_TO_START
    if shutil.disk_usage(folder.parent if new else folder).free < required:
        purpose = "create the database" if new else "start the database"
        raise DiskFullError(f"The database cannot be used: {full_disk(folder, required, purpose)}")


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed creation left behind. Needs the lock that says nobody is at work there."""
    for leftover in folder.parent.glob(f"{beside(folder, 'new-').name}*"):
        shutil.rmtree(leftover)


def remove_process_numbers(folder: Path) -> bool:
    """Remove the files that name the process of a dead server; True when there were any.

    PostgreSQL does not start when the number was given to a stranger meanwhile, as happens in containers, which
    count from one at every restart. Needs the lock that says nobody is at work there.
    """
    socket = socket_file(socket_directory(folder))
    files = [folder / "postmaster.pid", socket.with_name(f"{socket.name}.lock"), socket]
    found = [path for path in files if os.path.lexists(path)]
    for path in found:
        path.unlink()
    return bool(found)


def create(folder: Path, account: ServerAccount, programs: Path, *, keep_open: Sequence[int]) -> None:
    """Make the data folder under another name and rename it: a broken attempt leaves no broken folder."""
    draft = beside(folder, f"new-{secrets.token_hex(6)}")
    options = [f"--username={SUPERUSER}", "--auth=peer", "--encoding=UTF8", "--data-checksums"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    for locale in _CHARACTER_LOCALES:
        account.make_private_folder(draft)
        command = [str(programs / "initdb"), f"--pgdata={draft}", *options, f"--lc-ctype={locale}"]
        code, output = account.run(command, keep_open=keep_open)
        if code == 0:
            break
        shutil.rmtree(draft)
        if "invalid locale name" not in output:
            raise fitting_error(folder, "The database could not be created", output)
    try:
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft)
        raise FolderPermissionError(
            f"The new database could not be moved to {folder} ({error.strerror}). If a disk is mounted "
            "exactly there, mount it one folder higher: the database creates the folder itself."
        ) from error
    _synchronise(folder.parent)


def _synchronise(folder: Path) -> None:
    """Make a rename in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def configure(folder: Path, account: ServerAccount) -> None:
    """Write the configuration for the machine as it is now, and make the socket's folder."""
    directory = socket_directory(folder)
    if directory != folder:
        if not os.path.lexists(directory):
            account.make_private_folder(directory)
        require_private(directory, account.uid)
    settings = server_settings(Machine.here(folder), folder, directory)
    account.write(folder / "postgresql.conf", render_settings(settings))
    if not os.path.lexists(folder / LOCAL_SETTINGS):
        account.write(folder / LOCAL_SETTINGS, "# Your own settings; the next start reads them.\n")
    account.write(folder / "pg_hba.conf", render_access())
    account.write(folder / "pg_ident.conf", render_identities([account.name, account_of(0).name]))
