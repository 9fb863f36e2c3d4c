"""What is alive on a data folder: the locks that processes hold, and the processes of the server."""

import fcntl
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from psycopg import pq
from psycopg.conninfo import make_conninfo

from academe.platform.database.embedded.errors import FolderPermissionError
from academe.platform.database.embedded.provision import SUPERUSER
from academe.platform.database.embedded.settings import PORT, cluster_name

_READY = "ready"
_PING_SECONDS = 5


@contextmanager
def open_lock(path: Path) -> Iterator[int]:
    """A descriptor of the lock file `path`, to be locked with `try_take`; closed at the end.

    Such a lock ends with the last process that has the descriptor open, however that process ends. The
    server inherits it: the lock is held as long as any of its processes lives, orphans and other containers
    included.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise FolderPermissionError(
            f"The file {path} may not be opened by this user: another user started the database there. Run "
            "the command as that user, or set ACADEME_DATA_DIR to a folder of your own."
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_take(descriptor: int) -> bool:
    """Lock it for this process alone if nobody holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class PostmasterFile:
    """What the server says about itself in `postmaster.pid`."""

    pid: int
    socket_directory: Path | None
    status: str

    @classmethod
    def read(cls, folder: Path) -> "PostmasterFile | None":
        """The content of the file, or None when there is none or its first line is not written yet."""
        try:
            lines = (folder / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError as error:
            raise FolderPermissionError(
                f"The database folder {folder} may not be read by this user: run the command as the user who "
                "started the database, or set ACADEME_DATA_DIR to a folder of your own."
            ) from error
        lines += [""] * 8
        if not lines[0].strip().isdigit():
            return None
        return cls(int(lines[0]), Path(lines[4]) if lines[4] else None, lines[7].strip())

    @property
    def is_ready(self) -> bool:
        """Whether the server says that it takes connections."""
        return self.status == _READY

    def ping(self) -> pq.Ping:
        """What a connection meets: `OK`, `REJECT` in recovery or shutdown, `NO_RESPONSE` without a listener.

        It works across containers too, where process numbers mean nothing.
        """
        if self.socket_directory is None:
            return pq.Ping.NO_RESPONSE
        address = make_conninfo(
            host=str(self.socket_directory),
            port=PORT,
            user=SUPERUSER,
            dbname="postgres",
            connect_timeout=_PING_SECONDS,
        )
        return pq.Ping(pq.PGconn.ping(address.encode()))


def socket_file(directory: Path) -> Path:
    """The socket of a server that listens in `directory`."""
    return directory / f".s.PGSQL.{PORT}"


def require_private(directory: Path, uid: int) -> None:
    """Raise unless `directory` is a real folder of user `uid` that nobody else may enter."""
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or stat.S_IMODE(found.st_mode) & 0o077:
        raise FolderPermissionError(
            f"{directory} should be a private folder for the database's socket, but it belongs to another "
            "user or others may enter it: remove it, or set ACADEME_DATA_DIR to a path of at most "
            "80 characters."
        )


def is_postmaster(process: psutil.Process, folder: Path) -> bool:
    """Whether the process is the living main process of a server on `folder` (a zombie is not).

    It is known by its command line: root in a container may not look at another account's working folder.
    """
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    return len(command) > 1 and Path(command[0]).name == "postgres" and str(folder) in command


def postmaster_process(folder: Path) -> psutil.Process | None:
    """The living postmaster that `postmaster.pid` names.

    None when it is dead, even if its number was given to another process since.
    """
    said = PostmasterFile.read(folder)
    if said is None:
        return None
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(said.pid)
        if is_postmaster(process, folder):
            return process
    return None


def children_of_server(folder: Path) -> list[psutil.Process]:
    """The living processes that a server on `folder` forked, known by the server's name in their titles."""
    title = f"postgres: {cluster_name(folder)}: "
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if " ".join(process.cmdline()).startswith(title):
                found.append(process)
    return found


def send(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to those that still live."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
