"""Reads the CSV files that people have: UTF-8 with or without a mark, commas, semicolons or tabs, any order of columns.

A file is read as a whole or not at all: every fault names its line, counted from 1 with the heading, and its column.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from academe.academics.roster.service import LONGEST_REASON
from academe.platform.errors import FieldError

LARGEST_FILE_BYTES: Final = 2 * 2**20
MOST_LINES: Final = 5000
MOST_FAULTS: Final = 200
"""Further faults are counted but not told; nobody reads more."""

COLUMNS: Final = ("student_number", "status", "effective_on", "reason")
TEMPLATE: Final = "student_number,status,effective_on,reason\r\n"

# What the first line may call a column, without regard to case, blanks and underscores.
_ALIASES: Final = {
    "studentnumber": "student_number",
    "number": "student_number",
    "student": "student_number",
    "studentid": "student_number",
    "status": "status",
    "effectiveon": "effective_on",
    "date": "effective_on",
    "from": "effective_on",
    "reason": "reason",
    "note": "reason",
}
# Columns of our own export that say nothing about what shall be.
_PASSED_OVER: Final = frozenset({"name", "enrolledon", "withdrawnon", "attendance"})

Wanted = Literal["enrolled", "withdrawn"]
_WANTED: Final[Mapping[str, Wanted]] = {"": "enrolled", "enrolled": "enrolled", "withdrawn": "withdrawn"}


@dataclass(frozen=True, slots=True)
class RosterLine:
    """One line that could be read: who, what is wanted, from when (today without a day), and why."""

    line: int
    number: str
    wanted: Wanted
    effective_on: date | None
    reason: str


@dataclass(frozen=True, slots=True)
class RosterFile:
    """A file as it was read: its lines, and everything that is wrong with it. `faults` counts those left out too."""

    lines: Sequence[RosterLine]
    errors: Sequence[FieldError]
    faults: int


class _FileFaultError(Exception):
    """The whole file cannot be read."""

    def __init__(self, message: str, *, field: str = "file", line: int | None = None) -> None:
        super().__init__(message)
        self.error = FieldError(field, message, line)


def read_roster(content: bytes) -> RosterFile:
    """Read a file; never raises for what is in it."""
    try:
        lines, errors = _read(content)
    except _FileFaultError as fault:
        return RosterFile((), (fault.error,), 1)
    return RosterFile(lines, errors[:MOST_FAULTS], len(errors))


def _read(content: bytes) -> tuple[list[RosterLine], list[FieldError]]:
    text = _decoded(content)
    records = _records(text)
    first = next(records, None)
    if first is None:
        raise _FileFaultError("The file is empty.")
    places = _places(first[1])
    lines: list[RosterLine] = []
    errors: list[FieldError] = []
    seen: dict[str, int] = {}
    for line, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        if len(lines) >= MOST_LINES:
            raise _FileFaultError(f"A file may have at most {MOST_LINES} students.", line=line)
        if len(cells) > len(first[1]) and any(cell.strip() for cell in cells[len(first[1]) :]):
            errors.append(FieldError("line", "This line has more cells than the heading.", line))
            continue
        read, faults = _line(line, cells, places)
        errors += faults
        if read is None:
            continue
        if read.number in seen:
            message = f"This student is in line {seen[read.number]} already."
            errors.append(FieldError("student_number", message, line))
        seen.setdefault(read.number, line)
        lines.append(read)
    if not lines and not errors:
        raise _FileFaultError("The file has a heading but no students.")
    return lines, errors


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST_FILE_BYTES:
        raise _FileFaultError(f"The file is larger than {LARGEST_FILE_BYTES // 2**20} MiB.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _FileFaultError("The file is in UTF-16. Please save it as CSV in UTF-8.")
    if content.startswith(b"PK\x03\x04"):
        raise _FileFaultError("This is a spreadsheet or an archive. Please save it as CSV in UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = "The file is not in UTF-8. Please save it as CSV in UTF-8."
        raise _FileFaultError(message, line=line) from error
    if "\0" in text:
        raise _FileFaultError("This is no text file. Please save it as CSV in UTF-8.")
    return text


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """The records with the line on which each begins, the heading first; blank lines before it are passed over."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    begins, heading_seen = 1, False
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            message = "A quoted cell does not end, or goes on after its quote."
            raise _FileFaultError(message, line=begins) from error
        if cells is None:
            return
        if heading_seen or any(cell.strip() for cell in cells):
            heading_seen = True
            yield begins, cells
        begins = reader.line_num + 1


def _delimiter(text: str) -> str:
    """The separator that the heading has most of."""
    heading = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=heading.count)


def _places(heading: Sequence[str]) -> Mapping[str, int]:
    """Where each known column is."""
    places: dict[str, int] = {}
    for place, cell in enumerate(heading):
        word = "".join(character for character in cell.lower() if character.isalnum())
        if word in _PASSED_OVER or not word:
            continue
        column = _ALIASES.get(word)
        if column is None:
            known = ", ".join(COLUMNS)
            raise _FileFaultError(
                f"There is no column “{cell.strip()[:40]}”; known are {known}.", field="heading", line=1
            )
        if column in places:
            raise _FileFaultError(f"The column {column} is there twice.", field="heading", line=1)
        places[column] = place
    if "student_number" not in places:
        raise _FileFaultError("The first line must name a column student_number.", field="heading", line=1)
    return places


def _line(line: int, cells: Sequence[str], places: Mapping[str, int]) -> tuple[RosterLine | None, list[FieldError]]:
    given = {name: cells[place].strip() if place < len(cells) else "" for name, place in places.items()}
    faults: list[FieldError] = []
    # Our own export puts a quote before what a spreadsheet could take for a formula.
    number = given["student_number"].removeprefix("'")
    if not 1 <= len(number) <= 100:
        faults.append(FieldError("student_number", "A student number of 1 to 100 characters is needed.", line))
    wanted = _WANTED.get(given.get("status", "").lower())
    if wanted is None:
        faults.append(FieldError("status", "The status is enrolled or withdrawn.", line))
    reason = given.get("reason", "")
    if len(reason) > LONGEST_REASON:
        faults.append(FieldError("reason", f"A reason has at most {LONGEST_REASON} characters.", line))
    elif wanted == "withdrawn" and not reason:
        faults.append(FieldError("reason", "Please say why the student leaves.", line))
    day: date | None = None
    if given.get("effective_on"):
        try:
            day = date.fromisoformat(given["effective_on"])
        except ValueError:
            faults.append(FieldError("effective_on", "Please write the day like 2026-11-21.", line))
    if faults or wanted is None:
        return None, faults
    return RosterLine(line, number, wanted, day, reason), []
