"""What can be wrong with the source of an import."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO

from academe.platform.errors import InvalidInputError

SHOWN = 5


@dataclass(frozen=True, order=True, slots=True)
class Fault:
    """One thing that is wrong: in which file, on which line (1 is the header, 0 the file as a whole), in which column.

    `column` is empty where the whole line or file is meant.
    """

    file: str
    line: int
    column: str
    message: str

    def __str__(self) -> str:
        place = self.file + (f", line {self.line}" if self.line else "") + (f", {self.column}" if self.column else "")
        return f"{place}: {self.message}"


class SourceRefusedError(InvalidInputError):
    """The source is not what it should be; nothing was written (422).

    `faults` are the first ones, in the order they were found; `complete` says whether they are all.
    """

    title = "The files cannot be imported"

    def __init__(self, faults: Sequence[Fault], *, complete: bool = True) -> None:
        self.faults = tuple(faults)
        self.complete = complete
        shown = "\n".join(f"  {fault}" for fault in self.faults[:SHOWN])
        hidden = len(self.faults) - SHOWN
        more = f"\n  ... and {hidden:,}{'' if complete else ' or more'} others" if hidden > 0 else ""
        super().__init__(f"The files cannot be imported; nothing was changed.\n{shown}{more}")

    def report(self) -> str:
        """The faults as CSV with a header, for a spreadsheet."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["file", "line", "column", "message"])
        writer.writerows([fault.file, fault.line or "", fault.column, fault.message] for fault in self.faults)
        return text.getvalue()
