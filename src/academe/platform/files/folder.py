"""Files in a folder: `ab/cd/abcd…`, by the first four digits of their digests.

A file is written to a draft beside them, brought to the disk (fsync), given its name (rename), and its folder brought
to the disk too, so that it is there whole or not at all whenever the power goes. Several processes may share the
folder. The time of a file is when it was put last; whoever gives it a name or a new time holds its folder shared, and
whoever deletes it for its age holds the folder alone (flock), so that neither misses the other.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, ParamSpec, TypeVar

from academe.platform.files.errors import (
    FileDamagedError,
    FileNotStoredError,
    FileStorageFullError,
    FilesUnavailableError,
)
from academe.platform.files.store import StaleFile, require_digest
from academe.platform.logging import get_logger

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_DRAFTS: Final = "drafts"
_PIECE: Final = 2**20
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORGOTTEN_SECONDS: Final = 24 * 60 * 60

_log = get_logger()


class FolderStore:
    """A `FileStore` in one folder, which is made when the first file comes. Only its owner may read it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Folders whose own names are on the disk for good: 65,794 at most.
        self._lasting: set[Path] = set()

    async def put(self, content: bytes | AsyncIterable[bytes]) -> str:
        if isinstance(content, bytes):
            return await self._in_thread(self._put_bytes, content)
        found = hashlib.sha256()
        draft = await self._in_thread(self._new_draft)
        try:
            async for piece in content:
                found.update(piece)
                await self._in_thread(draft.write, piece)
        except BaseException:
            await self._in_thread(_discard, draft)
            raise
        return await self._in_thread(self._keep, draft, found.hexdigest())

    async def get(self, digest: str) -> bytes:
        content = await self._in_thread(_read, self._path(digest))
        _require_same(hashlib.sha256(content).hexdigest(), digest)
        return content

    async def open(self, digest: str) -> AsyncIterator[bytes]:
        found = hashlib.sha256()
        with await self._in_thread(_open, self._path(digest)) as file:
            while piece := await self._in_thread(file.read, _PIECE):
                found.update(piece)
                yield piece
        _require_same(found.hexdigest(), digest)

    async def exists(self, digest: str) -> bool:
        return await self._in_thread(_size_of, self._path(digest)) is not None

    async def delete(self, digest: str) -> bool:
        return await self._in_thread(_delete, self._path(digest))

    async def stale(self, before: datetime) -> AsyncIterator[Sequence[StaleFile]]:
        for number in range(256):
            found = await self._in_thread(_stale_in, self._folder / f"{number:02x}", before.timestamp())
            if found:
                yield found

    async def delete_stale(self, digest: str, before: datetime) -> bool:
        return await self._in_thread(_delete_stale, self._path(digest), before.timestamp())

    def _path(self, digest: str) -> Path:
        require_digest(digest)
        return self._folder / digest[:2] / digest[2:4] / digest

    async def _in_thread(
        self, work: Callable[Parameters, Result], *arguments: Parameters.args, **named: Parameters.kwargs
    ) -> Result:
        """Do what waits for the disk elsewhere, and say what went wrong in words for the caller."""
        try:
            return await asyncio.to_thread(work, *arguments, **named)
        except OSError as error:
            _log.error("files_failed", folder=str(self._folder), error=str(error))
            # Somebody may have taken folders away; the next file then makes them again.
            self._lasting.clear()
            raise FileStorageFullError if error.errno in _FULL else FilesUnavailableError from error

    def _put_bytes(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        if _refreshed(path, len(content)):
            # Whoever stores the same bytes at this moment may not have brought their name to the disk yet.
            self._make_last(path.parent)
            _sync_folder(path.parent)
            return digest
        draft = self._new_draft()
        try:
            draft.write(content)
        except BaseException:
            _discard(draft)
            raise
        return self._keep(draft, digest)

    def _new_draft(self) -> BinaryIO:
        drafts = self._folder / _DRAFTS
        if drafts not in self._lasting:
            self._make_last(drafts)
            _remove_forgotten(drafts)
        return _new_file(drafts / f"{os.getpid()}-{secrets.token_hex(8)}")

    def _keep(self, draft: BinaryIO, digest: str) -> str:
        """Give a draft its name for good; or it is gone."""
        path = self._path(digest)
        try:
            draft.flush()
            os.fsync(draft.fileno())
            self._make_last(path.parent)
            with _held(path.parent, fcntl.LOCK_SH):
                Path(draft.name).rename(path)
        finally:
            _discard(draft)
        _sync_folder(path.parent)
        return digest

    def _make_last(self, folder: Path) -> None:
        """See that a folder of ours is there and outlives a loss of power."""
        if folder in self._lasting:
            return
        if folder == self._folder:
            folder.parent.mkdir(parents=True, exist_ok=True)
        else:
            self._make_last(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)
        self._lasting.add(folder)


def _new_file(path: Path) -> BinaryIO:
    """A file that only its owner may read; closed by `_discard`."""
    return open(path, "xb", opener=partial(os.open, mode=0o600))


def _discard(draft: BinaryIO) -> None:
    """Close a draft and remove it, unless it has got another name."""
    try:
        draft.close()
    finally:
        Path(draft.name).unlink(missing_ok=True)


def _remove_forgotten(drafts: Path) -> None:
    """Remove drafts of processes that were killed while they wrote."""
    for draft in drafts.iterdir():
        with suppress(FileNotFoundError):  # whoever writes it has finished meanwhile
            if time.time() - draft.stat().st_mtime > _FORGOTTEN_SECONDS:
                draft.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _held(folder: Path, how: int) -> Iterator[None]:
    """Hold a folder shared or alone; raises FileNotFoundError when it is not there."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _refreshed(path: Path, length: int) -> bool:
    """Whether a file is there already and whole; it counts as put now."""
    try:
        with _held(path.parent, fcntl.LOCK_SH):
            if path.stat().st_size != length:
                return False
            os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _stale_in(folder: Path, before: float) -> Sequence[StaleFile]:
    """The files below one of the outer folders that are older than a time."""
    found = []
    for inner in sorted(folder.iterdir()) if folder.is_dir() else ():
        for path in sorted(inner.iterdir()):
            status = path.stat()
            if status.st_mtime < before:
                found.append(StaleFile(path.name, status.st_size))
    return found


def _delete_stale(path: Path, before: float) -> bool:
    try:
        with _held(path.parent, fcntl.LOCK_EX):
            if path.stat().st_mtime >= before:
                return False
            path.unlink()
    except FileNotFoundError:
        return False
    # Not brought to the disk: a file that is back after a loss of power is found again the next time.
    return True


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _read(path: Path) -> bytes:
    with _open(path) as file:
        return file.read()


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise FileNotStoredError from None


def _delete(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    _sync_folder(path.parent)
    return True


def _require_same(found: str, digest: str) -> None:
    if found != digest:
        raise FileDamagedError(digest)
