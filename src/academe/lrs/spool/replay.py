"""Reading a segment for its replay: statement after statement, in portions that one transaction stores."""

from collections.abc import Iterator, Sequence
from typing import Final

from academe.lrs.spool.errors import SegmentUnreadableError
from academe.lrs.spool.folder import HeldSegment
from academe.lrs.spool.records import Spooled, decoded
from academe.lrs.spool.segments import HEAD_BYTES, SegmentKey, scan

STATEMENTS_AT_ONCE: Final = 4_000
"""Twice what the intake takes in at once, so that what waits grows less even while more comes."""


class Replay:
    """A segment that is being stored. Reads from the disk and decrypts: not for the thread of the event loop.

    `portion` is what goes next and is cleared when it is stored; `refused` are statements whose ids belong to others,
    `faults` say in words without personal data what could not be read or stored.
    """

    def __init__(self, segment: HeldSegment, master_keys: Sequence[bytes]) -> None:
        self.segment = segment
        self.portion: list[Spooled] = []
        self.refused: list[Spooled] = []
        self.stored = 0
        self._data = segment.read()
        self.scan = scan(self._data)
        self.faults = [f"Bytes {start} to {end} are damaged." for start, end in self.scan.damaged]
        self._left = self._statements(master_keys)
        self._next: Spooled | None = next(self._left, None)

    @property
    def is_over(self) -> bool:
        """Whether every statement that can be read was stored or refused."""
        return self._next is None and not self.portion

    def read_on(self) -> None:
        """Make the next portion, in which no two have the same id: the second must find the first stored."""
        ids: set[str] = set()
        while self._next is not None and len(ids) < STATEMENTS_AT_ONCE and self._next.statement_id not in ids:
            ids.add(self._next.statement_id)
            self.portion.append(self._next)
            self._next = next(self._left, None)

    def _statements(self, master_keys: Sequence[bytes]) -> Iterator[Spooled]:
        if not self.scan.frames:
            return
        try:
            key = SegmentKey.opened(self.segment.name.identity, self._data[:HEAD_BYTES], master_keys)
        except SegmentUnreadableError as error:
            self.faults.append(error.message)
            return
        for frame in self.scan.frames:
            try:
                statements = list(decoded(key.content(self._data, frame), frame.number))
            except SegmentUnreadableError as error:
                self.faults.append(error.message)
            except (ValueError, KeyError, TypeError) as error:
                self.faults.append(f"Frame {frame.number} is of another form ({type(error).__name__}).")
            else:
                yield from statements
