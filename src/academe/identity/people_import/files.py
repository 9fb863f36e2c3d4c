"""Reads CSV files of people: lines, and faults by line and column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from academe.identity.addresses import checked_address
from academe.identity.people.service import LONGEST_NAME, LONGEST_PART
from academe.platform.csv_files import Columns, FileFaultError, read_csv
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.spreadsheet import lines as csv_lines

LARGEST_FILE_BYTES: Final = 8 * 2**20
MOST_LINES: Final = 20_000
MOST_FAULTS: Final = 200
"""Further faults are counted but not told; nobody reads more."""

COLUMNS: Final = (
    *("sourced_id", "display_name", "given_name", "middle_name", "family_name"),
    *("preferred_name", "email"),
)
TEMPLATE: Final = ",".join(COLUMNS) + "\r\n"
PARTS: Final = ("given_name", "middle_name", "family_name", "preferred_name")

_COLUMNS: Final = Columns(
    {
        "sourcedid": "sourced_id",
        "key": "sourced_id",
        "keyelsewhere": "sourced_id",
        "id": "sourced_id",
        "displayname": "display_name",
        "name": "display_name",
        "givenname": "given_name",
        "firstname": "given_name",
        "middlename": "middle_name",
        "familyname": "family_name",
        "lastname": "family_name",
        "surname": "family_name",
        "preferredname": "preferred_name",
        "email": "email",
        "emailaddress": "email",
    },
    ("sourced_id",),
    # A column of our own export that says nothing about what shall be.
    frozenset({"status"}),
)


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One line that could be read: somebody with the key that another system has for them."""

    line: int
    sourced_id: str
    display_name: str
    parts: Mapping[str, str]
    email: str


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """A file as it was read: its lines, everything that is wrong, and the lines that have a fault, as they stood."""

    lines: Sequence[PersonLine]
    errors: Sequence[FieldError]
    heading: Sequence[str] = ()
    records: Mapping[int, Sequence[str]] | None = None

    @property
    def is_readable(self) -> bool:
        """Whether lines can be told apart, so that some may be left out."""
        return self.records is not None

    def left_out(self, errors: Sequence[FieldError]) -> bytes:
        """The lines with faults as a CSV file to correct, with the heading and a last column that says why."""
        why: dict[int, list[str]] = {}
        for error in errors:
            if error.line is not None:
                why.setdefault(error.line, []).append(f"{error.field}: {error.message}")
        records = self.records or {}
        rows = [[*records[line], *self._missing(records[line]), "; ".join(why[line])] for line in sorted(why)]
        return csv_lines([[*self.heading, "status"], *rows]).encode()

    def _missing(self, record: Sequence[str]) -> Sequence[str]:
        return [""] * (len(self.heading) - len(record))


def read_people(content: bytes) -> PeopleFile:
    """Read a file; never raises for what is in it."""
    try:
        file = read_csv(content, _COLUMNS, largest_bytes=LARGEST_FILE_BYTES, what="people")
        if len(file.records) > MOST_LINES:
            raise FileFaultError(f"A file may have at most {MOST_LINES} people.", line=file.records[MOST_LINES][0])
    except FileFaultError as fault:
        return PeopleFile((), (fault.error,))
    lines: list[PersonLine] = []
    errors: list[FieldError] = []
    seen: dict[tuple[str, str], int] = {}
    for line, record in file.records:
        if file.has_more_cells(record):
            errors.append(FieldError("line", "This line has more cells than the heading.", line))
            continue
        read, faults = _line(line, file.cells(record))
        faults += _repeated(read, seen)
        errors += faults
        if not faults:
            lines.append(read)
    return PeopleFile(lines, errors, file.heading, dict(file.records))


def _line(line: int, given: Mapping[str, str]) -> tuple[PersonLine, list[FieldError]]:
    # Our own export puts a quote before what a spreadsheet could take for a formula.
    said = {name: " ".join(value.removeprefix("'").split()) for name, value in given.items()}
    parts = {part: said[part] for part in PARTS if said.get(part)}
    called = " ".join(parts[part] for part in PARTS[:3] if part in parts)
    read = PersonLine(line, said["sourced_id"], said.get("display_name") or called, parts, said.get("email", ""))
    faults: list[FieldError] = []
    if not 1 <= len(read.sourced_id) <= LONGEST_PART:
        faults.append(FieldError("sourced_id", f"A key of 1 to {LONGEST_PART} characters is needed.", line))
    if not 1 <= len(read.display_name) <= LONGEST_NAME:
        faults.append(FieldError("display_name", f"A name of 1 to {LONGEST_NAME} characters is needed.", line))
    too_long = [part for part, value in parts.items() if len(value) > LONGEST_PART]
    faults += [FieldError(part, f"Please write at most {LONGEST_PART} characters.", line) for part in too_long]
    if read.email:
        try:
            checked_address(read.email)
        except InvalidInputError as error:
            faults.append(FieldError("email", error.errors[0].message, line))
    return read, faults


def _repeated(read: PersonLine, seen: dict[tuple[str, str], int]) -> list[FieldError]:
    faults = []
    for field, value in (("sourced_id", read.sourced_id), ("email", read.email.lower())):
        before = seen.setdefault((field, value), read.line)
        if value and before != read.line:
            faults.append(FieldError(field, f"This is in line {before} already.", read.line))
    return faults
