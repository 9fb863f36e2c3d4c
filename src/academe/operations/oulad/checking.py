"""Lines to rows: fast where all is right, line by line where something is wrong, so that the line can be named."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

import polars as pl

from academe.operations.errors import Fault, SourceRefusedError
from academe.operations.oulad.files import Digest, Lines, Source, ahead, read_lines
from academe.operations.oulad.layout import MISSING, File, quoted

MOST_FAULTS = 1000
"""Reading stops after so many: a file that wrong is another file."""


class TooManyFaultsError(Exception):
    """There are as many faults as are reported; ends the reading."""


@dataclass(slots=True)
class Faults:
    """What was found wrong so far."""

    found: list[Fault] = field(default_factory=list)
    complete: bool = True

    def add(self, file: File, line: int, column: str, message: str) -> None:
        """Keep a fault; raises `TooManyFaultsError` when that was the last one that is kept."""
        self.found.append(Fault(file.name, line, column, message))
        if len(self.found) >= MOST_FAULTS:
            self.complete = False
            raise TooManyFaultsError

    def add_lines(self, file: File, lines: Iterable[int], column: str, message: str) -> None:
        """Keep the same fault for several lines."""
        for line in lines:
            self.add(file, line, column, message)

    def refuse(self) -> None:
        """Raise when there is any fault."""
        if self.found:
            raise SourceRefusedError(self.found, complete=self.complete)


def read_rows(source: Source, file: File, faults: Faults, digest: Digest | None = None) -> Iterator[pl.DataFrame]:
    """The rows of a file, piece by piece, with its columns and `line`; rows of a faulty piece are left out.

    Raises `SourceRefusedError` for a damaged file or a wrong header, before any row.
    """
    for lines, frame in ahead(_parsed(source, file, digest)):
        if frame is None:
            find_faults(file, lines, faults)
        else:
            yield frame.with_row_index("line", offset=lines.first)


def _parsed(source: Source, file: File, digest: Digest | None) -> Iterator[tuple[Lines, pl.DataFrame | None]]:
    """The pieces of a file without its header, and the rows of those in which all is right."""
    for lines in read_lines(source, file.name, digest):
        rest = without_header(file, lines) if lines.first == 1 else lines
        if rest.data:
            yield rest, parse(file, rest)


def without_header(file: File, lines: Lines) -> Lines:
    """The lines after the header, which must name the columns of the file in their order."""
    header, _, rest = lines.data.partition(b"\n")
    try:
        names = next(csv.reader([header.decode("utf-8-sig").rstrip("\r")]), [])
    except (UnicodeDecodeError, csv.Error):
        raise SourceRefusedError([Fault(file.name, 1, "", "is not a CSV file in UTF-8")]) from None
    if tuple(names) != file.header:
        raise SourceRefusedError([Fault(file.name, 1, "", _header_fault(file, names))])
    return Lines(rest, 2)


def _header_fault(file: File, names: list[str]) -> str:
    missing = [name for name in file.header if name not in names]
    foreign = [name for name in names if name not in file.header]
    if missing:
        return f"column {', '.join(missing)} is missing; the header must be {','.join(file.header)}"
    if foreign:
        return f"column {', '.join(quoted(name) for name in foreign)} does not belong here"
    return f"the columns are in another order; the header must be {','.join(file.header)}"


def parse(file: File, lines: Lines) -> pl.DataFrame | None:
    """The rows, or None when any line or value is wrong."""
    try:
        frame = pl.read_csv(BytesIO(lines.data), has_header=False, schema=file.schema, null_values=list(MISSING))
    except pl.exceptions.PolarsError:
        return None
    if frame.height != lines.count:
        return None
    wrong = [column.wrong() for column in file.columns]
    wrong += [pl.col(column.name).is_null() for column in file.columns if column.required]
    return None if frame.select(pl.any_horizontal(check.any() for check in wrong)).item() else frame


def find_faults(file: File, lines: Lines, faults: Faults) -> None:
    """Name every wrong value of lines of which at least one is wrong."""
    before = len(faults.found)
    for number, line in enumerate(lines.data.split(b"\n")[:-1], start=lines.first):
        for column, message in _line_faults(file, line):
            faults.add(file, number, column, message)
    if len(faults.found) == before:
        last = lines.first + lines.count - 1
        faults.add(
            file, lines.first, "", f"between here and line {last}, quotes or line ends are not those of a CSV file"
        )


def _line_faults(file: File, line: bytes) -> Iterator[tuple[str, str]]:
    try:
        values = next(csv.reader([line.decode().rstrip("\r")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        yield "", "is not a line of CSV in UTF-8"
        return
    if len(values) != len(file.columns):
        yield "", f"has {len(values)} values instead of {len(file.columns)}"
        return
    for column, value in zip(file.columns, values, strict=True):
        if value in MISSING:
            if column.required:
                yield column.name, "is empty"
        elif message := column.fault(value):
            yield column.name, message


def check_key(file: File, frame: pl.DataFrame, faults: Faults) -> None:
    """Name every line whose key stood on a line before it."""
    again = frame.filter(~pl.struct(file.key).is_first_distinct())
    faults.add_lines(file, again["line"], file.key[-1], f"the same {', '.join(file.key)} stands on a line before")
