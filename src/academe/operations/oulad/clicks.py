"""The log of clicks: streamed, checked, kept aside in compact form by month, and summed month by month."""

import os
import tempfile
import threading
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from types import TracebackType
from typing import IO, Final, Self

import numpy as np
import polars as pl

from academe.operations.oulad.checking import Faults, read_rows
from academe.operations.oulad.files import Digest, Source
from academe.operations.oulad.layout import EARLIEST, STUDENT_VLE, TAUGHT
from academe.operations.oulad.mapping import with_dates
from academe.operations.oulad.reading import Tables
from academe.platform.database.partitions import later

QUIET_DAYS: Final = 14
"""In every published presentation the log reaches the last day; one that ends this much earlier was cut off."""


@dataclass(slots=True)
class CourseLog:
    """Who and what may appear in the log of one course, and the days on which something did."""

    starts_on: date
    length: int
    students: pl.Series
    sites: pl.Series
    days: set[int] = field(default_factory=set)

    @property
    def is_cut_off(self) -> bool:
        """Whether the log ends long before the course did, or is missing although there was something to click at."""
        return self.sites.len() > 0 and max(self.days, default=EARLIEST) < self.length - QUIET_DAYS


@dataclass(slots=True)
class MonthLog:
    """Where the rows of a month lie in the store, and how many they are."""

    rows: int = 0
    pieces: list[tuple[int, int]] = field(default_factory=list)


class ClickStore:
    """The checked rows of the log in a nameless temporary file, which ends with the process however that ends.

    `months` has the log of every month by its first day; `rows` and `clicks` are those of the whole log.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0, prefix="academe-oulad-")  # noqa: SIM115 - closed by __exit__
        self._end = 0
        # One month is summed at a time, which bounds the memory and costs no time: polars uses all processors for it.
        self.summing = threading.Lock()
        self.months: dict[date, MonthLog] = {}
        self.rows = 0
        self.clicks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def keep(self, log: CourseLog, frame: pl.DataFrame) -> None:
        """Keep rows of one course."""
        log.days.update(frame["date"].unique())
        self.rows += frame.height
        self.clicks += int(frame["sum_click"].cast(pl.Int64).sum())
        rows = frame.select("id_student", "id_site", "sum_click", day=log.starts_on + pl.duration(days="date"))
        for month in rows["day"].dt.month_start().unique():
            self._keep(month, rows.filter(pl.col("day").is_between(month, later(month, 1), closed="left")))

    def _keep(self, month: date, rows: pl.DataFrame) -> None:
        piece = BytesIO()
        rows.write_ipc(piece, compression="lz4")
        self._file.write(piece.getbuffer())
        log = self.months.setdefault(month, MonthLog())
        log.pieces.append((self._end, piece.tell()))
        log.rows += rows.height
        self._end += piece.tell()

    def read(self, month: date) -> pl.DataFrame:
        """Every row of one month, in the order of the file; several threads may read at once."""
        descriptor, pieces = self._file.fileno(), self.months[month].pieces
        return pl.concat(pl.read_ipc(BytesIO(os.pread(descriptor, length, start))) for start, length in pieces)


def read_clicks(source: Source, tables: Tables, store: ClickStore, faults: Faults, digest: Digest) -> None:
    """Read and check the whole log into `store`.

    When `faults` holds something afterwards, rows may be missing from the store.
    """
    logs = _logs(tables)
    for frame in read_rows(source, STUDENT_VLE, faults, digest):
        for (module, presentation), rows in frame.group_by(TAUGHT, maintain_order=True):
            log = logs.get((str(module), str(presentation)))
            if log is None:
                message = f"{module} {presentation} is not in courses.csv"
                faults.add_lines(STUDENT_VLE, rows["line"], "code_presentation", message)
            else:
                _check(rows, "id_student", log.students, "is not enrolled in the presentation", faults)
                _check(rows, "id_site", log.sites, "is no site of the presentation in vle.csv", faults)
                store.keep(log, rows)
    if faults.found:
        return
    for (module, presentation), log in logs.items():
        if log.is_cut_off:
            reached = f"end on day {max(log.days)} of {log.length}" if log.days else "are missing"
            faults.add(STUDENT_VLE, 0, "date", f"the clicks of {module} {presentation} {reached}: the file was cut off")


def _logs(tables: Tables) -> dict[tuple[str, str], CourseLog]:
    students = _by_course(tables.student_info, "id_student")
    sites = _by_course(tables.vle, "id_site")
    nobody = pl.Series(dtype=pl.Int32)
    logs = {}
    for course in with_dates(tables.courses).iter_rows(named=True):
        key = (course["code_module"], course["code_presentation"])
        length = course["module_presentation_length"]
        logs[key] = CourseLog(course["starts_on"], length, students.get(key, nobody), sites.get(key, nobody))
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


def days_of(store: ClickStore, month: date, people: pl.DataFrame, sites: pl.DataFrame) -> pl.DataFrame:
    """One row for each student, day and site of a month, with the summed clicks.

    `people` says at which position of the actors a student (`id_student`, `actor`) stands, `sites` at which position of
    the activities a site (`id_site`, `activity`). Columns: `actor`, `activity`, `day`, `count`.
    """
    width = max(sites.height, 1)
    with store.summing:
        # Sorted and summed in runs: a table of groups would take some hundred bytes for each row.
        use = pl.col("actor").cast(pl.Int64) * width + pl.col("activity")
        rows = (
            store.read(month)
            .join(people, on="id_student")
            .join(sites, on="id_site")
            .select("sum_click", use=use * 32 + pl.col("day").dt.day())
            .sort("use")
        )
    uses = rows["use"].to_numpy()
    starts = np.flatnonzero(np.diff(uses, prepend=-1))
    summed = pl.DataFrame(
        {"use": uses[starts], "count": np.add.reduceat(rows["sum_click"].to_numpy(), starts, dtype=np.int64)}
    )
    return summed.select(
        actor=(pl.col("use") // (32 * width)).cast(pl.Int32),
        activity=(pl.col("use") // 32 % width).cast(pl.Int32),
        day=month + pl.duration(days=pl.col("use") % 32 - 1),
        count=pl.col("count").cast(pl.Int32),
    )
