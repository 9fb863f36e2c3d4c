"""What is known of the spool without opening it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """The name of a segment: when its first statements came, which gives the order, and its id."""

    received_at: datetime
    identity: UUID

    @classmethod
    def parsed(cls, path: Path) -> "SegmentName | None":
        """The name in a path; None for a file that is no segment."""
        microseconds, _, identity = path.stem.partition("-")
        if len(microseconds) != 20 or not microseconds.isdecimal() or len(identity) != 32:
            return None
        try:
            return cls(_BEGINNING + int(microseconds) * _MICROSECOND, UUID(identity))
        except (ValueError, OverflowError):
            return None

    @property
    def stem(self) -> str:
        """Sorts by time."""
        return f"{(self.received_at - _BEGINNING) // _MICROSECOND:020d}-{self.identity.hex}"


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """What waits in the folder, of all processes of this machine; `since` is when the oldest of it came.

    `damaged` counts files with parts that cannot be read, which are kept. A limit of 0 bytes is a spool that is off.
    """

    statements: int
    since: datetime | None
    used_bytes: int
    limit_bytes: int
    segments: int
    damaged: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that anybody would have to look at."""
        return not self.segments and not self.damaged
