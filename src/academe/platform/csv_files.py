"""Reads the CSV files that people have: UTF-8 with or without a mark, commas, semicolons or tabs, any order of columns.

A file that cannot be read as a whole raises `FileFaultError`; what a cell may hold is for the caller to say. Lines are
counted from 1 with the heading.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from academe.platform.errors import FieldError


class FileFaultError(Exception):
    """The whole file cannot be read; `error` says why, and where."""

    def __init__(self, message: str, *, field: str = "file", line: int | None = None) -> None:
        super().__init__(message)
        self.error = FieldError(field, message, line)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the first line may name: every word a column may be called by, the columns that must be there, and words of
    columns that say nothing.

    Words are compared without regard to case, blanks and signs.
    """

    aliases: Mapping[str, str]
    needed: Sequence[str]
    passed_over: AbstractSet[str] = frozenset()

    @property
    def known(self) -> Sequence[str]:
        """The columns, in the order in which they were named."""
        return list(dict.fromkeys(self.aliases.values()))


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file that can be read: its heading as it stands, where each known column is, and the records."""

    heading: Sequence[str]
    places: Mapping[str, int]
    records: Sequence[tuple[int, Sequence[str]]]

    def cells(self, record: Sequence[str]) -> dict[str, str]:
        """What a record says in each known column, without blanks around it."""
        return {name: record[place].strip() if place < len(record) else "" for name, place in self.places.items()}

    def has_more_cells(self, record: Sequence[str]) -> bool:
        """Whether a record says something behind the last column of the heading."""
        return any(cell.strip() for cell in record[len(self.heading) :])


def read_csv(content: bytes, columns: Columns, *, largest_bytes: int, what: str) -> CsvFile:
    """The heading and every record that is not blank; `what` names what a record is ("students").

    Raises FileFaultError.
    """
    records = _records(_decoded(content, largest_bytes))
    first = next(records, None)
    if first is None:
        raise FileFaultError("The file is empty.")
    found = [(line, cells) for line, cells in records if any(cell.strip() for cell in cells)]
    places = _places(first[1], columns)
    if not found:
        raise FileFaultError(f"The file has a heading but no {what}.")
    return CsvFile(first[1], places, found)


def _decoded(content: bytes, largest_bytes: int) -> str:
    if len(content) > largest_bytes:
        raise FileFaultError(f"The file is larger than {largest_bytes // 2**20} MiB.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileFaultError("The file is in UTF-16. Please save it as CSV in UTF-8.")
    if content.startswith(b"PK\x03\x04"):
        raise FileFaultError("This is a spreadsheet or an archive. Please save it as CSV in UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = "The file is not in UTF-8. Please save it as CSV in UTF-8."
        raise FileFaultError(message, line=line) from error
    if "\0" in text:
        raise FileFaultError("This is no text file. Please save it as CSV in UTF-8.")
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
            raise FileFaultError(message, line=begins) from error
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


def _places(heading: Sequence[str], columns: Columns) -> Mapping[str, int]:
    """Where each known column is."""
    places: dict[str, int] = {}
    for place, cell in enumerate(heading):
        word = "".join(character for character in cell.lower() if character.isalnum())
        if word in columns.passed_over or not word:
            continue
        column = columns.aliases.get(word)
        if column is None:
            known = ", ".join(columns.known)
            message = f"There is no column “{cell.strip()[:40]}”; known are {known}."
            raise FileFaultError(message, field="heading", line=1)
        if column in places:
            raise FileFaultError(f"The column {column} is there twice.", field="heading", line=1)
        places[column] = place
    for column in columns.needed:
        if column not in places:
            raise FileFaultError(f"The first line must name a column {column}.", field="heading", line=1)
    return places
