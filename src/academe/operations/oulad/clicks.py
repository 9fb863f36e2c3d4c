"""The log of clicks: streamed, checked, kept aside in compact form by month, and summed month by month."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import itemgetter
from types import TracebackType
from typing import IO, Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from academe.operations.oulad.checking import Faults, read_rows
from academe.operations.oulad.files import Digest, Source
from academe.operations.oulad.layout import EARLIEST, STUDENT_VLE, TAUGHT
from academe.operations.oulad.mapping import with_dates
from academe.operations.oulad.reading import Tables

Whole = npt.NDArray[np.int32]

QUIET_DAYS: Final = 14
"""In every published presentation the log reaches the last day; one that ends this much earlier was cut off."""

COLUMNS: Final = 4
"""Numbers of a row in the store: position of the student, position of the site, day of the month, clicks."""

DAYS: Final = 32
"""More than a month has."""

MOST_CLICKS: Final = 2**31 - 1
"""Of a student at one site on one day, in the rollup's column."""

NO_ID: Final = np.int32(0)
"""No student and no site has this number."""


@dataclass(slots=True)
class CourseLog:
    """Who and what may appear in the log of one course, in ascending order, and where in the store its rows lie.

    `pieces` has the offset and the length in rows of every piece, by the first day of the month.
    """

    starts_on: date
    length: int
    students: Whole
    sites: Whole
    last_day: int | None = None
    pieces: dict[date, list[tuple[int, int]]] = field(default_factory=dict)

    @property
    def is_cut_off(self) -> bool:
        """Whether the log ends long before the course did, or is missing although there was something to click at."""
        last = EARLIEST if self.last_day is None else self.last_day
        return self.sites.size > 0 and last < self.length - QUIET_DAYS


class ClickStore:
    """The checked rows of the log in a nameless temporary file, which ends with the process however that ends.

    `courses` has the log of every course, `months` the number of rows of every month by its first day; `rows` and
    `clicks` are those of the whole log.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0, prefix="academe-oulad-")  # noqa: SIM115 - closed by __exit__
        self._end = 0
        self.courses: dict[tuple[str, str], CourseLog] = {}
        self.months: dict[date, int] = {}
        self.rows = 0
        self.clicks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def keep(self, log: CourseLog, students: Whole, sites: Whole, days: Whole, clicks: Whole) -> None:
        """Keep rows of one course: positions in its lists, days after its start, and clicks."""
        last = int(days.max())
        log.last_day = last if log.last_day is None else max(log.last_day, last)
        self.rows += days.size
        self.clicks += int(clicks.sum(dtype=np.int64))
        first = int(days.min())
        calendar = [log.starts_on + timedelta(days=day) for day in range(first, last + 1)]
        months = np.array([day.year * 12 + day.month for day in calendar], np.int32)[days - first]
        rows = np.stack([students, sites, np.array([day.day for day in calendar], np.int32)[days - first], clicks])
        for month in {day.replace(day=1) for day in calendar}:
            self._keep(log, month, rows[:, months == month.year * 12 + month.month])

    def _keep(self, log: CourseLog, month: date, rows: Whole) -> None:
        if not rows.size:
            return
        self._file.write(rows.tobytes())
        log.pieces.setdefault(month, []).append((self._end, rows.shape[1]))
        self.months[month] = self.months.get(month, 0) + rows.shape[1]
        self._end += rows.nbytes

    def read(self, log: CourseLog, month: date) -> Whole:
        """The rows of one course in one month, column by column; several threads may read at once."""
        return np.concatenate([self._read(start, length) for start, length in log.pieces[month]], axis=1)

    def _read(self, start: int, length: int) -> Whole:
        size = COLUMNS * length * np.dtype(np.int32).itemsize
        return np.frombuffer(os.pread(self._file.fileno(), size, start), np.int32).reshape(COLUMNS, length)


def read_clicks(source: Source, tables: Tables, store: ClickStore, faults: Faults, digest: Digest) -> None:
    """Read and check the whole log into `store`.

    When `faults` holds something afterwards, the rows in the store mean nothing.
    """
    store.courses = _logs(tables)
    for frame in read_rows(source, STUDENT_VLE, faults, digest):
        for (module, presentation), rows in _courses(frame):
            log = store.courses.get((str(module), str(presentation)))
            if log is None:
                message = f"{module} {presentation} is not in courses.csv"
                faults.add_lines(STUDENT_VLE, rows["line"], "code_presentation", message)
            else:
                _keep(rows, log, store, faults)
    if faults.found:
        return
    for (module, presentation), log in store.courses.items():
        if log.is_cut_off:
            reached = "are missing" if log.last_day is None else f"end on day {log.last_day} of {log.length}"
            faults.add(STUDENT_VLE, 0, "date", f"the clicks of {module} {presentation} {reached}: the file was cut off")


def _courses(frame: pl.DataFrame) -> Iterator[tuple[tuple[object, ...], pl.DataFrame]]:
    """The rows of each course: nearly every piece of the file is about one, which is told without grouping."""
    first = frame.select(TAUGHT).row(0)
    same = [(pl.col(name) == value).all() for name, value in zip(TAUGHT, first, strict=True)]
    if frame.select(pl.all_horizontal(same)).item():
        yield first, frame
    else:
        yield from frame.group_by(TAUGHT, maintain_order=True)


def _logs(tables: Tables) -> dict[tuple[str, str], CourseLog]:
    students = _by_course(tables.student_info, "id_student")
    sites = _by_course(tables.vle, "id_site")
    nobody = np.empty(0, np.int32)
    logs = {}
    for course in with_dates(tables.courses).iter_rows(named=True):
        key = (course["code_module"], course["code_presentation"])
        length = course["module_presentation_length"]
        logs[key] = CourseLog(course["starts_on"], length, students.get(key, nobody), sites.get(key, nobody))
    return logs


def _by_course(frame: pl.DataFrame, column: str) -> dict[tuple[object, ...], Whole]:
    return {key: np.unique(rows[column].to_numpy()) for key, rows in frame.group_by(TAUGHT)}


def _keep(rows: pl.DataFrame, log: CourseLog, store: ClickStore, faults: Faults) -> None:
    students = _positions(rows, "id_student", log.students, "is not enrolled in the presentation", faults)
    sites = _positions(rows, "id_site", log.sites, "is no site of the presentation in vle.csv", faults)
    store.keep(log, students, sites, rows["date"].to_numpy(), rows["sum_click"].to_numpy())


def _positions(rows: pl.DataFrame, column: str, known: Whole, message: str, faults: Faults) -> Whole:
    """Where in `known` the values stand; names the lines of those that do not."""
    values = rows[column].to_numpy()
    positions = np.searchsorted(known, values).astype(np.int32)
    is_unknown = np.append(known, NO_ID)[positions] != values
    if is_unknown.any():
        for line, value in zip(rows["line"].to_numpy()[is_unknown], values[is_unknown], strict=True):
            faults.add(STUDENT_VLE, int(line), column, f"{value} {message}")
    return positions


def days_of(store: ClickStore, month: date, people: pl.DataFrame, sites: pl.DataFrame) -> pl.DataFrame:
    """One row for each student, day and site of a month, with the summed clicks, in the order of the rollup's key.

    `people` says at which position of the actors a student (`id_student`, `actor`) stands, `sites` at which position of
    the activities a site (`id_site`, `activity`); the sites of a course stand together. Columns: `actor`, `activity`,
    `day`, `count`.
    """
    courses = []
    for log in store.courses.values():
        if month in log.pieces:
            actors = _looked_up(people, "id_student", "actor", log.students)
            activities = _looked_up(sites, "id_site", "activity", log.sites)
            courses.append((activities.min(), _summed(store.read(log, month), actors, activities)))
    actor, day, activity, count = np.concatenate([sums for _, sums in sorted(courses, key=itemgetter(0))], axis=1)
    frame = pl.DataFrame({"actor": actor, "activity": activity, "day": day, "count": count})
    return frame.with_columns(day=month + pl.duration(days=pl.col("day") - 1))


def _looked_up(positions: pl.DataFrame, key: str, position: str, ids: Whole) -> Whole:
    """The positions of ids, each of which stands in the frame because the steps before have written it."""
    found = pl.Series(ids).replace_strict(positions[key], positions[position], return_dtype=pl.Int32)
    return found.to_numpy()


def _summed(rows: Whole, actors: Whole, activities: Whole) -> Whole:
    """Rows of the store, summed: position of the actor, day of the month, position of the activity, clicks."""
    student, site, day, clicks = rows
    # One number in the order of the key, because sorting by it and cutting it up again costs least.
    width = int(activities.max()) + 1
    key = (actors[student].astype(np.int64) * DAYS + day) * width + activities[site]
    order = np.argsort(key)
    key = key[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    counts = np.add.reduceat(clicks[order], starts, dtype=np.int64)
    if counts.max() > MOST_CLICKS:
        raise OverflowError(
            f"a student has {counts.max():,} clicks at one site on one day; at most {MOST_CLICKS:,} are kept"
        )
    # Of half the width, because the months are the largest thing an import has in memory.
    sums = np.empty((COLUMNS, starts.size), np.int32)
    sums[3] = counts
    actor_day, sums[2] = np.divmod(key[starts], width)
    sums[0], sums[1] = np.divmod(actor_day, DAYS)
    return sums
