"""Reads the CSV files of rosters.

A file is read as a whole or not at all: every fault names its line, counted from 1 with the heading, and its column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from academe.academics.roster.service import LONGEST_REASON
from academe.platform.csv_files import Columns, FileFaultError, read_csv
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

_COLUMNS: Final = Columns(_ALIASES, ("student_number",), _PASSED_OVER)

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


def read_roster(content: bytes) -> RosterFile:
    """Read a file; never raises for what is in it."""
    try:
        lines, errors = _read(content)
    except FileFaultError as fault:
        return RosterFile((), (fault.error,), 1)
    return RosterFile(lines, errors[:MOST_FAULTS], len(errors))


def _read(content: bytes) -> tuple[list[RosterLine], list[FieldError]]:
    file = read_csv(content, _COLUMNS, largest_bytes=LARGEST_FILE_BYTES, what="students")
    lines: list[RosterLine] = []
    errors: list[FieldError] = []
    seen: dict[str, int] = {}
    for line, record in file.records:
        if len(lines) >= MOST_LINES:
            raise FileFaultError(f"A file may have at most {MOST_LINES} students.", line=line)
        if file.has_more_cells(record):
            errors.append(FieldError("line", "This line has more cells than the heading.", line))
            continue
        read, faults = _line(line, file.cells(record))
        errors += faults
        if read is None:
            continue
        if read.number in seen:
            message = f"This student is in line {seen[read.number]} already."
            errors.append(FieldError("student_number", message, line))
        seen.setdefault(read.number, line)
        lines.append(read)
    return lines, errors


def _line(line: int, given: Mapping[str, str]) -> tuple[RosterLine | None, list[FieldError]]:
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
