"""Starting, sharing and stopping the one server of a data folder."""

import fcntl
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil
import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from academe.platform.database.embedded.account import (
    ServerAccount,
    choose_account,
    install_programs,
    make_parents,
    require_reachable,
    wheel_programs,
    wheel_version,
)
from academe.platform.database.embedded.errors import (
    MIB,
    EmbeddedServerError,
    FolderBusyError,
    StartupError,
    explained,
    fitting_error,
)
from academe.platform.database.embedded.folder import (
    beside,
    configure,
    create,
    is_new,
    remove_leftovers,
    remove_process_numbers,
    require_space,
    socket_directory,
)
from academe.platform.database.embedded.log import STALLED_SECONDS, ServerLog, Watch
from academe.platform.database.embedded.process import (
    PostmasterFile,
    children_of_server,
    open_lock,
    postmaster_process,
    require_private,
    send,
    try_take,
)
from academe.platform.database.embedded.provision import SUPERUSER, provision
from academe.platform.database.embedded.settings import PORT

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.02
_STOP_SECONDS = 600.0
# What a postmaster grants its own children after a crash, and once more before they are killed.
_ORPHAN_SECONDS = 5.0
_STRANGER_SECONDS = 120.0
_LOG_LIMIT = 10 * MIB


class EmbeddedServer:
    """The PostgreSQL server on one data folder, which is created when it does not exist.

    `report` receives sentences for a person who waits (recovery, another process's start). `required_space`
    is the free space in bytes below which the server is neither created nor started; None: 400 MiB and 48
    MiB.
    """

    def __init__(
        self,
        folder: Path,
        *,
        report: Callable[[str], None] = logger.info,
        required_space: int | None = None,
    ) -> None:
        self.folder = folder.expanduser().resolve()
        self._report = report
        self._required_space = required_space
        self._guard = beside(self.folder, "guard")
        self._in_use = beside(self.folder, "in-use")
        self._marker = self.folder / "academe.provisioned"
        self._log = ServerLog(self.folder / "server.log")

    def is_running(self) -> bool:
        """Whether the server takes connections now."""
        said = PostmasterFile.read(self.folder)
        if said is None or not said.is_ready or said.ping() != pq.Ping.OK:
            return False
        if said.socket_directory is not None and said.socket_directory != self.folder:
            require_private(said.socket_directory, self.folder.stat().st_uid)
        return True

    def ensure_running(self) -> None:
        """Create the folder if it is new, start the server if it is not running, set up what is missing.

        Waits for another process that does the same, and for crash recovery as long as it makes progress.
        Raises a kind of `EmbeddedServerError` that names the folder and what to do.
        """
        with explained(self.folder, "The embedded database cannot be used"):
            if self._is_complete():
                return
            make_parents(self.folder.parent)
            with open_lock(self._guard) as guard:
                self._wait_for(guard)
                if not self._is_complete():
                    self._complete()

    def stop(self) -> bool:
        """Shut the server down, ending its sessions; True when it was running.

        Returns when its last process has ended.
        """
        with explained(self.folder, "The embedded database cannot be stopped"):
            if not self.folder.exists():
                return False
            with open_lock(self._guard) as guard, open_lock(self._in_use) as in_use:
                self._wait_for(guard)
                process = postmaster_process(self.folder)
                if process is not None:
                    self._shut_down(process, in_use)
                    self._remove_socket_folder()
                    return True
                if self.is_running():
                    raise FolderBusyError(
                        f"The database in {self.folder} is running where this process cannot see it, "
                        "probably in another container: stop it there."
                    )
                return False

    def url(self, *, role: str, database: str = "academe") -> str:
        """The address for SQLAlchemy: `psycopg` as driver, the socket's folder as host."""
        where = urlencode({"host": str(self._listens_in()), "port": PORT}, quote_via=quote)
        return f"postgresql+psycopg://{quote(role, safe='')}@/{quote(database, safe='')}?{where}"

    def conninfo(self, *, role: str, database: str = "academe") -> str:
        """The address as keywords of libpq, for psycopg, psql and pgbench."""
        return make_conninfo(host=str(self._listens_in()), port=PORT, user=role, dbname=database)

    def tool(self, name: str) -> Path:
        """A client program of this PostgreSQL, such as `psql`, `pgbench` or `pg_dump`."""
        path = wheel_programs() / "bin" / name
        if "/" in name or not path.is_file():
            raise EmbeddedServerError(f"The embedded PostgreSQL has no program '{name}' ({path.parent}).")
        return path

    def _listens_in(self) -> Path:
        """Where the running server listens, or where it would."""
        said = PostmasterFile.read(self.folder)
        if said is not None and said.socket_directory is not None:
            return said.socket_directory
        return socket_directory(self.folder)

    def _is_provisioned(self) -> bool:
        with suppress(FileNotFoundError):
            return self._marker.read_text() == wheel_version()
        return False

    def _is_complete(self) -> bool:
        return self.is_running() and self._is_provisioned()

    def _wait_for(self, guard: int) -> None:
        """Take the guard's lock, however long the process that holds it needs."""
        if not try_take(guard):
            self._report(f"Another process starts or stops the database in {self.folder}; waiting for it.")
            fcntl.flock(guard, fcntl.LOCK_EX)

    def _complete(self) -> None:
        account = choose_account(self.folder)
        require_reachable(account, self.folder.parent)
        if not self.is_running():
            with open_lock(self._in_use) as in_use:
                if self._claim(in_use):
                    self._start(account, in_use)
        if not self._is_provisioned():
            try:
                provision(self.conninfo(role=SUPERUSER, database="postgres"))
            except psycopg.Error as error:
                raise fitting_error(self.folder, "The database could not be set up", str(error)) from error
            account.write(self._marker, wheel_version())

    def _claim(self, in_use: int) -> bool:
        """Wait until no process is at work on the folder and take its lock; False if a server runs."""
        watch = Watch(self._log, self._report)
        while True:
            claimed = try_take(in_use)
            if self.is_running():
                return False
            postmaster = postmaster_process(self.folder)
            if postmaster is not None:
                self._attend(postmaster, watch)
            elif claimed:
                return True
            else:
                self._hurry_orphans(watch)
            # Longer and longer: a server that recovers writes a line to its log whenever it turns somebody away.
            time.sleep(min(_PAUSE_SECONDS + watch.waited / 10, 1.0))

    def _attend(self, postmaster: psutil.Process, watch: Watch) -> None:
        """A postmaster lives and takes no connections: it starts, recovers, stops, or has lost its socket."""
        said = PostmasterFile.read(self.folder)
        is_deaf = said is not None and said.is_ready and said.ping() == pq.Ping.NO_RESPONSE
        if is_deaf and watch.waited > _ORPHAN_SECONDS:
            logger.warning("the database in %s does not answer at its socket: restarting it", self.folder)
            send([postmaster], signal.SIGINT)
        if watch.is_stalled():
            raise StartupError(
                f"The database in {self.folder} (process {postmaster.pid}) takes no connections and has made "
                f"no progress for {STALLED_SECONDS:.0f} s.\n{self._log.tail()}"
            )

    def _hurry_orphans(self, watch: Watch) -> None:
        """The postmaster is dead and its lock is held: what it left must end before a new one starts."""
        orphans = children_of_server(self.folder)
        if watch.waited > 2 * _ORPHAN_SECONDS:
            send(orphans, signal.SIGKILL)
        elif watch.waited > _ORPHAN_SECONDS:
            send(orphans, signal.SIGQUIT)
        if watch.is_stalled() or (not orphans and watch.waited > _STRANGER_SECONDS):
            raise FolderBusyError(
                f"The database folder {self.folder} is held by a process that cannot be seen from here and "
                "does not answer, perhaps in another container: stop it there, or set ACADEME_DATA_DIR to "
                "another folder."
            )

    def _start(self, account: ServerAccount, in_use: int) -> None:
        remove_leftovers(self.folder)
        new = is_new(self.folder)
        require_space(self.folder, self._required_space, new=new)
        programs = install_programs(beside(self.folder, "programs"), account)
        if new:
            self._report(f"Creating a new database in {self.folder}.")
            create(self.folder, account, programs, keep_open=[in_use])
        configure(self.folder, account)
        self._log.rotate(_LOG_LIMIT)
        if remove_process_numbers(self.folder):
            self._report(f"The database in {self.folder} was not shut down cleanly and recovers now.")
        self._launch(account, programs, in_use)

    def _launch(self, account: ServerAccount, programs: Path, in_use: int) -> None:
        """Start the server and wait until it takes connections."""
        begin = self._log.size
        command = [str(programs / "pg_ctl"), "start", "--silent", "--wait", "--timeout=1000000"]
        command += [f"--pgdata={self.folder}", f"--log={self._log.path}"]
        watch = Watch(self._log, self._report)
        with (
            Path(os.devnull).open("wb") as nowhere,
            account.start(command, output=nowhere.fileno(), keep_open=[in_use]) as process,
        ):
            while process.poll() is None and not self.is_running():
                if watch.is_stalled():
                    process.kill()
                    raise StartupError(
                        f"The start of the database in {self.folder} has made no progress for "
                        f"{STALLED_SECONDS:.0f} s; it was left running.\n{self._log.tail(begin)}"
                    )
                time.sleep(_PAUSE_SECONDS)
        if not self.is_running():
            raise fitting_error(self.folder, "The database did not start", self._log.tail(begin))

    def _remove_socket_folder(self) -> None:
        directory = socket_directory(self.folder)
        if directory != self.folder:
            with suppress(FileNotFoundError):
                directory.rmdir()

    def _shut_down(self, postmaster: psutil.Process, in_use: int) -> None:
        """A fast shutdown: open transactions are rolled back, a checkpoint is written."""
        send([postmaster], signal.SIGINT)
        watch = Watch(self._log, self._report)
        while postmaster_process(self.folder) is not None or not try_take(in_use):
            if watch.is_stalled() and watch.waited > _STOP_SECONDS:
                raise StartupError(
                    f"The database in {self.folder} did not stop in {_STOP_SECONDS:.0f} s.\n{self._log.tail()}"
                )
            time.sleep(_PAUSE_SECONDS)
