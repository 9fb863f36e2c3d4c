"""The log of clicks: streamed, checked, kept aside in compact form by course, and summed course by course."""

import os
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from types import TracebackType
from typing import IO, Any, Final, Self

import polars as pl

from academe.operations.oulad.checking import Faults, read_rows
from academe.operations.oulad.files import Digest, Source
from academe.operations.oulad.layout import EARLIEST, STUDENT_VLE, TAUGHT
from academe.operations.oulad.reading import Tables

QUIET_DAYS: Final = 14
"""In every published presentation the log reaches the last day; one that ends this much earlier was cut off."""

STRETCH_DAYS: Final = 30


@dataclass(slots=True)
class CourseLog:
    """Who and what may appear in the log of one course, and what did."""

    length: int
    students: pl.Series
    sites: pl.Series
    rows: int = 0
    days: set[int] = field(default_factory=set)
    pieces: list[tuple[int, int]] = field(default_factory=list)

    @property
    def is_cut_off(self) -> bool:
        """Whether the log ends long before the course did, or is missing although there was something to click at."""
        return self.sites.len() > 0 and max(self.days, default=EARLIEST) < self.length - QUIET_DAYS


class ClickStore:
    """The checked rows of the log in a nameless temporary file, which ends with the process however that ends.

    `rows` and `clicks` are those of the whole log.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0, prefix="academe-oulad-")  # noqa: SIM115 - closed by __exit__
        self._end = 0
        # One course is summed at a time, which bounds the memory and costs no time: polars uses all processors for it.
        self.summing = threading.Lock()
        self.logs: dict[tuple[str, str], CourseLog] = {}
        self.rows = 0
        self.clicks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def log(self, course: Mapping[str, Any]) -> CourseLog:
        """The log of a row of the courses."""
        return self.logs[course["code_module"], course["code_presentation"]]

    def keep(self, log: CourseLog, frame: pl.DataFrame) -> None:
        """Keep rows of one course."""
        piece = BytesIO()
        frame.select("id_student", "id_site", "date", "sum_click").write_ipc(piece, compression="lz4")
        self._file.write(piece.getbuffer())
        log.pieces.append((self._end, piece.tell()))
        self._end += piece.tell()
        log.rows += frame.height
        log.days.update(frame["date"].unique())
        self.rows += frame.height
        self.clicks += int(frame["sum_click"].cast(pl.Int64).sum())

    def read(self, log: CourseLog) -> pl.DataFrame:
        """Every row of one course, in the order of the file; several threads may read at once."""
        descriptor = self._file.fileno()
        return pl.concat(pl.read_ipc(BytesIO(os.pread(descriptor, length, start))) for start, length in log.pieces)


def read_clicks(source: Source, tables: Tables, store: ClickStore, faults: Faults, digest: Digest) -> None:
    """Read and check the whole log into `store`.

    When `faults` holds something afterwards, rows may be missing from the store.
    """
    store.logs = _logs(tables)
    for frame in read_rows(source, STUDENT_VLE, faults, digest):
        for (module, presentation), rows in frame.group_by(TAUGHT, maintain_order=True):
            log = store.logs.get((str(module), str(presentation)))
            if log is None:
                message = f"{module} {presentation} is not in courses.csv"
                faults.add_lines(STUDENT_VLE, rows["line"], "code_presentation", message)
            else:
                _check(rows, "id_student", log.students, "is not enrolled in the presentation", faults)
                _check(rows, "id_site", log.sites, "is no site of the presentation in vle.csv", faults)
                store.keep(log, rows)
    if faults.found:
        return
    for (module, presentation), log in store.logs.items():
        if log.is_cut_off:
            reached = f"end on day {max(log.days)} of {log.length}" if log.days else "are missing"
            faults.add(STUDENT_VLE, 0, "date", f"the clicks of {module} {presentation} {reached}: the file was cut off")


def _logs(tables: Tables) -> dict[tuple[str, str], CourseLog]:
    students = _by_course(tables.student_info, "id_student")
    sites = _by_course(tables.vle, "id_site")
    nobody = pl.Series(dtype=pl.Int32)
    logs = {}
    for module, presentation, length in tables.courses.select(*TAUGHT, "module_presentation_length").iter_rows():
        key = (module, presentation)
        logs[key] = CourseLog(length, students.get(key, nobody), sites.get(key, nobody))
    return logs


def _by_course(frame: pl.DataFrame, column: str) -> dict[tuple[object, ...], pl.Series]:
    return {key: rows[column] for key, rows in frame.group_by(TAUGHT)}


def _check(rows: pl.DataFrame, column: str, known: pl.Series, message: str, faults: Faults) -> None:
    present = rows[column].unique()
    unknown = present.filter(~present.is_in(known.implode()))
    if unknown.len():
        found = rows.filter(pl.col(column).is_in(unknown.implode()))
        for line, value in found.select("line", column).iter_rows():
            faults.add(STUDENT_VLE, line, column, f"{value} {message}")


def days_of(
    store: ClickStore, log: CourseLog, starts_on: date, people: pl.DataFrame, sites: pl.DataFrame
) -> pl.DataFrame:
    """One row for each student, day and site of a course, with the summed clicks.

    `people` says at which position of the actors a student (`id_student`, `actor`) stands, `sites` at which position of
    the activities a site (`id_site`, `activity`). Columns: `actor`, `activity`, `day`, `count`.
    """
    empty = pl.DataFrame(schema={"actor": pl.Int32, "activity": pl.Int32, "day": pl.Date, "count": pl.Int32})
    if not log.pieces:
        return empty
    # By stretches of days, because summing takes some hundred bytes for each row at once.
    with store.summing:
        rows = store.read(log)
        stretches = range(min(log.days), max(log.days) + 1, STRETCH_DAYS)
        of_stretch = (rows.filter(pl.col("date").is_between(day, day + STRETCH_DAYS - 1)) for day in stretches)
        return pl.concat([empty, *(_sum(stretch, starts_on, people, sites) for stretch in of_stretch)])


def _sum(rows: pl.DataFrame, starts_on: date, people: pl.DataFrame, sites: pl.DataFrame) -> pl.DataFrame:
    return (
        rows.group_by("id_student", "id_site", "date")
        .agg(count=pl.col("sum_click").cast(pl.Int64).sum())
        .join(people, on="id_student")
        .join(sites, on="id_site")
        .select("actor", "activity", day=starts_on + pl.duration(days="date"), count=pl.col("count").cast(pl.Int32))
    )
