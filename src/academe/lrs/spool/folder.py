"""The folder of the spool: which segments there are, whose they are, and what they hold.

A segment belongs to the process that holds the lock of its file (`flock`), which ends with the process whatever ends
it. A file gets its name when its head is on the disk and its lock is held, so that nobody finds it half made. The
folder must be on a disk of this machine: locks over a network are not to be relied on.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from academe.lrs.spool.segments import HEAD_BYTES, SegmentKey, scan
from academe.lrs.spool.types import SegmentName, SpoolStatus
from academe.platform.settings import Settings

SEGMENT: Final = ".spool"
DAMAGED: Final = ".damaged"
"""A segment with parts that cannot be read; everything else in it was stored."""

_DRAFT: Final = ".new"
_FORGOTTEN_SECONDS: Final = 60 * 60


class HeldSegment:
    """A segment that this process holds, and can write to until it is sealed or fails."""

    def __init__(self, path: Path, name: SegmentName, descriptor: int, key: SegmentKey | None = None) -> None:
        self.path = path
        self.name = name
        self.size = 0
        self._descriptor = descriptor
        self._key = key
        self._number = 0

    @property
    def is_open(self) -> bool:
        """Whether more can be written to it."""
        return self._key is not None

    def append(self, content: bytes, statements: int) -> None:
        """Write a frame and wait until it is on the disk. After an OSError nothing more is written to the file.

        What was written of the frame is taken away again, for its sender will be told that it was not kept.
        """
        assert self._key is not None, "a sealed segment is not written to"
        frame = memoryview(self._key.sealed(content, number=self._number, statements=statements))
        try:
            written = 0
            while written < len(frame):
                written += os.write(self._descriptor, frame[written:])
            os.fsync(self._descriptor)
        except OSError:
            self._key = None
            # Whether the truncation works or not, a frame that is cut off is never taken for one.
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
                os.fsync(self._descriptor)
            raise
        self._number += 1
        self.size += len(frame)

    def seal(self) -> None:
        """Write nothing more to it."""
        self._key = None

    def read(self) -> bytes:
        """All of it."""
        return self.path.read_bytes()

    def release(self, *, keep: bool) -> None:
        """Remove it, for everything in it is stored; or `keep` it by another name, for it is damaged."""
        try:
            if keep:
                self.path.rename(self.path.with_suffix(DAMAGED))
            else:
                self.path.unlink()
            sync_folder(self.path.parent)
        finally:
            self.let_go()

    def let_go(self) -> None:
        """Leave it to whoever comes next."""
        os.close(self._descriptor)


class SpoolFolder:
    """The folder, which is made when it is first written to; only its owner may read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # What was found in files, by name: their size then, and their statements.
        self._counted: dict[str, tuple[int, int]] = {}

    @classmethod
    def of(cls, settings: Settings) -> "SpoolFolder":
        """The folder of an installation on this machine."""
        return cls(settings.data_dir / "spool")

    def create(self, received_at: datetime, master_key: bytes) -> HeldSegment:
        """A new segment of this process, whose name and head are on the disk."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = SegmentName(received_at, uuid4())
        key = SegmentKey.new(name.identity, master_key)
        draft, path = self.path / f"{name.stem}{_DRAFT}", self.path / f"{name.stem}{SEGMENT}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.write(descriptor, key.head) != HEAD_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
            draft.rename(path)
            sync_folder(self.path)
            sync_folder(self.path.parent)
        except BaseException:
            os.close(descriptor)
            draft.unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise
        segment = HeldSegment(path, name, descriptor, key)
        segment.size = HEAD_BYTES
        return segment

    def adopt(self, *, suffix: str = SEGMENT) -> list[HeldSegment]:
        """Take over the segments that no process holds, the oldest first."""
        taken = [self._taken(path, name) for path, name in self._files(suffix)]
        return [segment for segment in taken if segment is not None]

    def oldest(self) -> datetime | None:
        """When the oldest of what waits came; from names alone."""
        return next((name.received_at for _, name in self._files(SEGMENT)), None)

    def used_bytes(self) -> int:
        """What all files take."""
        used = 0
        for entry in self._entries():
            with suppress(FileNotFoundError):
                used += entry.stat().st_size
        return used

    def segments(self) -> Iterator[tuple[Path, SegmentName]]:
        """Everything that waits, the oldest first, and then what is damaged."""
        yield from self._files(SEGMENT)
        yield from self._files(DAMAGED)

    def status(self, limit_bytes: int) -> SpoolStatus:
        """What waits; reads what was written since the last time."""
        waiting = self._files(SEGMENT)
        return SpoolStatus(
            statements=sum(self._statements(path) for path, _ in waiting),
            since=waiting[0][1].received_at if waiting else None,
            used_bytes=self.used_bytes(),
            limit_bytes=limit_bytes,
            segments=len(waiting),
            damaged=len(self._files(DAMAGED)),
        )

    def forget_drafts(self) -> None:
        """Remove what killed processes left before it had a name."""
        for entry in self._entries():
            with suppress(FileNotFoundError):
                if entry.name.endswith(_DRAFT) and time.time() - entry.stat().st_mtime > _FORGOTTEN_SECONDS:
                    Path(entry.path).unlink()

    def _entries(self) -> Sequence[os.DirEntry[str]]:
        try:
            with os.scandir(self.path) as entries:
                return list(entries)
        except FileNotFoundError:
            return ()

    def _files(self, suffix: str) -> list[tuple[Path, SegmentName]]:
        paths = (Path(entry.path) for entry in self._entries() if entry.name.endswith(suffix))
        named = ((path, SegmentName.parsed(path)) for path in paths)
        return sorted(((path, name) for path, name in named if name is not None), key=lambda pair: pair[1])

    def _taken(self, path: Path, name: SegmentName) -> HeldSegment | None:
        """A segment that is ours from now on; None when somebody holds it, or has finished with it."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_here = os.fstat(descriptor).st_ino == path.stat().st_ino
        except (BlockingIOError, FileNotFoundError):
            is_here = False
        except BaseException:
            os.close(descriptor)
            raise
        if not is_here:
            os.close(descriptor)
            return None
        return HeldSegment(path, name, descriptor)

    def _statements(self, path: Path) -> int:
        """How many statements a segment holds, counted again only when it has grown."""
        try:
            size = path.stat().st_size
            known = self._counted.get(path.name)
            if known is None or known[0] != size:
                data = path.read_bytes()
                known = len(data), scan(data).statements
        except FileNotFoundError:
            return 0
        if len(self._counted) > 10_000:
            self._counted.clear()
        self._counted[path.name] = known
        return known[1]


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
