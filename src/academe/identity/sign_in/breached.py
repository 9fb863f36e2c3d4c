"""Passwords that others have lost already, looked up in a list on this machine; nothing is asked of anybody.

The list is that of Have I Been Pwned, as its downloader writes it, or one of an institution's own in the same form: a
folder with a file for each range (named by the first five digits of the SHA-1, holding the other 35), or one
file of whole hashes in their order. NIST SP 800-63B (section 5.1.1.2) asks for the comparison.
"""

import re
from dataclasses import dataclass
from hashlib import sha1
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO, Final

from anyio import to_thread

from academe.platform.logging import get_logger

PREFIX: Final = 5
"""Digits that name a range: 16^5 files."""

_LONGEST_LINE: Final = 128
_WHOLE: Final = re.compile(rb"[0-9A-Fa-f]{40}(:\d+)?")
_REST: Final = re.compile(rb"[0-9A-Fa-f]{35}(:\d+)?")
_RANGE: Final = re.compile(r"[0-9A-F]{5}(\.txt)?")
_log = get_logger()


@dataclass(frozen=True, slots=True)
class BreachedPasswords:
    """The list at `place`; without one no password is known to be breached."""

    place: Path | None = None

    def check(self) -> None:
        """Raise ValueError when there is nothing at the place, or something else than such a list."""
        if self.place is None:
            return
        try:
            name, line = _first_line(self.place)
        except (OSError, StopIteration) as error:
            raise ValueError(f"ACADEME_BREACHED_PASSWORDS: {self.place} cannot be read, or is empty") from error
        whole = self.place.is_file()
        if not (_WHOLE if whole else _REST).fullmatch(line.strip()) or not (whole or _RANGE.fullmatch(name)):
            raise ValueError(f"ACADEME_BREACHED_PASSWORDS: {name} has no SHA-1 hashes of passwords, as HASH:COUNT")

    async def has(self, password: str) -> bool:
        """Whether the list has a password. Raises OSError when it cannot be read."""
        if self.place is None:
            return False
        # The form of the list, not a protection: it is public anyway.
        digest = sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        return await to_thread.run_sync(_lists, self.place, digest)


def _first_line(place: Path) -> tuple[str, bytes]:
    file = next(place.iterdir()) if place.is_dir() else place
    with file.open("rb") as lines:
        return file.name, lines.readline(_LONGEST_LINE)


def _lists(place: Path, digest: bytes) -> bool:
    if not place.is_dir():
        with place.open("rb") as lines:
            return _in_order(lines, digest)
    prefix, rest = digest[:PREFIX], digest[PREFIX:]
    for name in (prefix.decode(), f"{prefix.decode()}.txt"):
        if (place / name).is_file():
            with (place / name).open("rb") as lines:
                return any(_hash_of(line) == rest for line in lines)
    _log.warning("breached_passwords.range_missing", range=prefix.decode())
    return False


def _in_order(lines: BinaryIO, digest: bytes) -> bool:
    """Halve the file until one line is left; the whole list has 30 such steps to it.

    Every line that begins before `low` is less than the digest, every one that begins from `high` on is not.
    """
    low, high = 0, lines.seek(0, SEEK_END)
    while low < high:
        middle = (low + high) // 2
        begin = _line_from(lines, middle)
        line = lines.readline(_LONGEST_LINE)
        if begin < high and b"" < _hash_of(line) < digest:  # empty at the end of the file
            low = begin + len(line)
        else:
            high = middle
    lines.seek(_line_from(lines, low))
    return _hash_of(lines.readline(_LONGEST_LINE)) == digest


def _line_from(lines: BinaryIO, position: int) -> int:
    """Where the first line begins that does not begin before a position; the file stands there then."""
    if position == 0:
        return lines.seek(0)
    lines.seek(position - 1)
    lines.readline(_LONGEST_LINE)
    return lines.tell()


def _hash_of(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().upper()
