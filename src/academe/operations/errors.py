"""What can be wrong with the source of an import."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from academe.platform.errors import ConflictError, FieldError, InvalidInputError, NotFoundError


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
        count = f"{len(faults):,}" if complete else f"{len(faults):,} or more"
        errors = [
            FieldError(" ".join(filter(None, (fault.file, fault.column))), fault.message, fault.line or None)
            for fault in faults
        ]
        super().__init__(f"The files cannot be imported; nothing was changed. Faults: {count}", errors=errors)
        self.faults = tuple(faults)
        self.complete = complete

    def report(self) -> str:
        """The faults as CSV with a header, for a spreadsheet."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["file", "line", "column", "message"])
        writer.writerows([fault.file, fault.line or "", fault.column, fault.message] for fault in self.faults)
        return text.getvalue()

    def as_dict(self) -> dict[str, Any]:
        """The faults for JSON; a line or column that is not meant is null."""
        faults = [
            {"file": fault.file, "line": fault.line or None, "column": fault.column or None, "message": fault.message}
            for fault in self.faults
        ]
        return {"error": self.title, "complete": self.complete, "faults": faults}


class TableNotFoundError(NotFoundError):
    """There is no table of this name (404)."""

    title = "There is no such table"


class RowNotFoundError(NotFoundError):
    """There is no such row, or none of the actor's institution (404)."""

    title = "There is no such row"


class EditRefusedError(ConflictError):
    """The table is not edited by hand (409); the message says why."""

    title = "This table is not edited by hand"
