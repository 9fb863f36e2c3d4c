"""The server's log as seen by somebody who waits for it or has to say why it failed."""

import os
import time
from collections.abc import Callable
from pathlib import Path

_TAIL_LINES, _TAIL_BYTES = 15, 16384
_REPORT_SECONDS = 5.0
STALLED_SECONDS = 300.0
"""Recovery writes to the log every second; after this long without a word it is taken to hang."""


class ServerLog:
    """The file that the server's messages are appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def size(self) -> int:
        """Bytes, 0 when there is no log yet."""
        return self.path.stat().st_size if self.path.exists() else 0

    def lines(self, start: int = 0) -> list[str]:
        """The last lines written after byte `start`."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(start, end - _TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]

    def last_word(self) -> str:
        """What the server said last, without the time and the number of the process."""
        last = (self.lines() or ["no word from it yet"])[-1]
        return last.partition("LOG:  ")[2] or last

    def tail(self, start: int = 0) -> str:
        """The same as a paragraph that names the file, for the end of an error's message."""
        return "\n".join([f"The last lines of {self.path}:", *self.lines(start)])

    def rotate(self, limit: int) -> None:
        """Set the log aside, over the one before, when it has more than `limit` bytes."""
        if self.size > limit:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))


class Watch:
    """How long somebody waits and whether the log still grows, with a word to the waiting person at times."""

    def __init__(self, log: ServerLog, report: Callable[[str], None]) -> None:
        self._log = log
        self._report = report
        self._began = self._moved = self._spoke = time.monotonic()
        self._size = log.size

    @property
    def waited(self) -> float:
        """Seconds since the wait began."""
        return time.monotonic() - self._began

    def is_stalled(self) -> bool:
        """Whether the log has not grown for `STALLED_SECONDS`; call it often."""
        now = time.monotonic()
        if self._log.size != self._size:
            self._size, self._moved = self._log.size, now
        if now - self._spoke > _REPORT_SECONDS:
            self._spoke = now
            self._report(f"Waiting for the database since {self.waited:.0f} s: {self._log.last_word()}")
        return now - self._moved > STALLED_SECONDS
