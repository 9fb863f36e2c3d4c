"""The port: what callers rely on, whatever keeps the files."""

import re
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

_is_digest: Final = re.compile(r"[0-9a-f]{64}").fullmatch


@dataclass(frozen=True, slots=True)
class StaleFile:
    """A file that nobody has put for some time, and the bytes in it."""

    digest: str
    length: int


class FileStore(Protocol):
    """Files by their digests: the SHA-256 of their bytes as 64 hexadecimal digits in lower case.

    Every method raises ValueError for what is no digest, and FilesUnavailableError when the files cannot be reached.
    """

    async def put(self, content: bytes | AsyncIterable[bytes]) -> str:
        """Store a file and return its digest; nothing more happens when it is there already.

        When this returns, the file outlives a loss of power. Raises FileStorageFullError; after any error, nothing of
        the file is there.
        """

    async def get(self, digest: str) -> bytes:
        """The whole file. Raises FileNotStoredError, and FileDamagedError when it is not what it was."""

    def open(self, digest: str) -> AsyncIterator[bytes]:
        """The file in pieces of a mebibyte at most, for what may be larger than memory.

        Raises what `get` raises; that a file is damaged is known behind its last piece only.
        """

    async def exists(self, digest: str) -> bool:
        """Whether there is such a file."""

    async def delete(self, digest: str) -> bool:
        """Delete a file; False when there is none.

        A `put` of the same bytes at this moment may find the file still there and leave it at that: whoever deletes
        keeps others from putting it meanwhile, by a lock on the rows that name it.
        """

    def stale(self, before: datetime) -> AsyncIterator[Sequence[StaleFile]]:
        """The files that were put before a time for the last time, in portions; a `put` of known bytes counts."""

    async def delete_stale(self, digest: str, before: datetime) -> bool:
        """Delete a file that was put before a time for the last time; False when it is newer, or not there.

        A `put` of the same bytes at this moment keeps it or stores it anew: when that has returned, the file is there.
        """


def require_digest(digest: str) -> str:
    """The digest itself; ValueError when it is none. What passes is safe as a part of a path."""
    if not _is_digest(digest):
        raise ValueError("a digest is 64 hexadecimal digits in lower case")
    return digest
