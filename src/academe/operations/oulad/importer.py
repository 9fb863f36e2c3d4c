"""The import as a whole: read and check everything, then write in steps."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

import polars as pl

from academe.academics import api as academics
from academe.identity import api as identity
from academe.lrs import api as lrs
from academe.operations.oulad import mapping
from academe.operations.oulad.checking import Faults, TooManyFaultsError
from academe.operations.oulad.clicks import ClickStore, days_of, read_clicks
from academe.operations.oulad.files import Source, find_source
from academe.operations.oulad.layout import FILES
from academe.operations.oulad.queries import Known, known_of
from academe.operations.oulad.reading import Tables, read_tables
from academe.operations.steps import Run, begin
from academe.operations.types import ImportSummary, Place, Placement, Progress, Step
from academe.platform.actor import Actor
from academe.platform.database.session import Database, Session
from academe.platform.database.staging import Loaded
from academe.platform.errors import PermissionDeniedError

SOURCE: Final = "oulad"
ATTRIBUTION: Final = (
    "Contains data of the Open University Learning Analytics Dataset by J. Kuzilek, M. Hlosta and Z. Zdrahal (2017),"
    " doi 10.1038/sdata.2017.171, licensed under CC BY 4.0; dates and structure were adapted."
)
"""What the licence asks to be shown wherever the data is."""

CHECKING: Final = "Checking the files (bytes)"
WRITING: Final = "Writing to the database (rows)"

AT_ONCE: Final = 2
"""Steps side by side: while the database writes one month of activity, the next one is summed."""

Work = Callable[[Session], Awaitable[Loaded]]
Loading = Callable[..., Awaitable[Loaded]]
RowsOf = Callable[[Tables, pl.DataFrame], pl.DataFrame]

_SOCIAL = Place("SOC", "Social Sciences")
_STEM = Place("STEM", "Science, Technology, Engineering and Mathematics")

OPEN_UNIVERSITY: Final = Placement(
    "OULAD",
    "Open University (OULAD)",
    {"AAA": _SOCIAL, "BBB": _SOCIAL, "CCC": _STEM, "DDD": _STEM, "EEE": _STEM, "FFF": _STEM, "GGG": _SOCIAL},
)
"""The modules in their domains as Kuzilek et al. 2017, table 1, give them."""


class Fingerprint:
    """The SHA-256 of everything read, and a word to the waiting person for every piece of it."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._hash = hashlib.sha256()
        self._total = total
        self._read = 0
        self._progress = progress

    def update(self, data: bytes) -> None:
        """Take in the next piece."""
        self._hash.update(data)
        self._read += len(data)
        self._progress(CHECKING, self._read, self._total)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


@dataclass(frozen=True, slots=True)
class Checked:
    """A source without faults: its small tables, the courses with their dates, its log, and its fingerprint."""

    tables: Tables
    courses: pl.DataFrame
    store: ClickStore
    fingerprint: str

    @property
    def read(self) -> dict[str, int]:
        """The rows of every file."""
        tables = self.tables
        frames = (
            tables.courses,
            tables.assessments,
            tables.vle,
            tables.student_info,
            tables.student_registration,
            tables.student_assessment,
        )
        heights = [frame.height for frame in frames] + [self.store.rows]
        return {file.name: height for file, height in zip(FILES, heights, strict=True)}


def silent(phase: str, done: int, total: int) -> None:
    """Progress that nobody waits for."""


async def import_oulad(
    database: Database,
    *,
    actor: Actor,
    source: Path,
    placement: Placement = OPEN_UNIVERSITY,
    progress: Progress = silent,
) -> ImportSummary:
    """Import a copy of the data set, a zip or a folder, into an institution.

    Nothing is written before all of it was read and found right: otherwise raises `SourceRefusedError`, which lists
    what is wrong. Each step is a transaction; after a crash the same call goes on behind the last whole step. What
    stands already is left alone, so a second import changes nothing.
    """
    if not actor.is_system:
        raise PermissionDeniedError("Whole data sets are imported by the operator of Academe.")
    began = time.monotonic()
    with ClickStore() as store:
        checked = await asyncio.to_thread(
            check, find_source(source, tuple(file.name for file in FILES)), store, progress
        )
        run = await begin(
            database,
            actor,
            source=SOURCE,
            fingerprint=checked.fingerprint,
            institution=partial(_institution, actor=actor, placement=placement),
        )
        steps = await _write(run, checked, placement, progress)
        seconds = time.monotonic() - began
        summary = ImportSummary(run.id, run.institution_id, checked.read, store.clicks, steps, seconds)
        await run.finish(summary)
    return summary


def check(source: Source, store: ClickStore, progress: Progress) -> Checked:
    """Read and check everything; raises `SourceRefusedError` when anything is wrong."""
    faults = Faults()
    fingerprint = Fingerprint(sum(source.sizes.values()), progress)
    try:
        tables = read_tables(source, faults, fingerprint)
        read_clicks(source, tables, store, faults, fingerprint)
    except TooManyFaultsError:
        faults.refuse()
        raise
    faults.refuse()
    return Checked(tables, mapping.with_dates(tables.courses), store, fingerprint.hexdigest())


async def _institution(session: Session, *, actor: Actor, placement: Placement) -> UUID:
    return await identity.ensure_institution(
        session, actor=actor, code=placement.code, name=placement.name, data_attribution=ATTRIBUTION
    )


async def _write(run: Run, checked: Checked, placement: Placement, progress: Progress) -> tuple[Step, ...]:
    """Steps of which one needs the other stand in a row; rows are written side by side, the log after its people."""
    tables, courses = checked.tables, checked.courses

    def loading(name: str, verb: Loading, rows_of: RowsOf, lines: int) -> _Planned:
        # The rows are made when their turn comes, and not kept afterwards: together they would take 100 MB.
        async def work(session: Session) -> Loaded:
            rows = rows_of(tables, courses)
            return await verb(session, actor=run.actor, institution_id=run.institution_id, rows=rows)

        return _Planned(name, work, lines)

    catalogue = partial(_write_catalogue, run=run, tables=tables, courses=courses, placement=placement)
    first = (
        (_Planned("catalogue", catalogue, courses.height + tables.vle.height + tables.assessments.height),),
        (
            loading("people", identity.load_people, mapping.students, 0),
            loading("students", academics.load_students, mapping.students, 0),
        ),
    )
    rest = (
        (
            loading("enrolments", _load_enrolments, mapping.enrollments, 2 * tables.student_info.height),
            loading("results", academics.load_results, mapping.results, tables.student_assessment.height),
        ),
        (loading("protected attributes", academics.load_protected_attributes, mapping.students, 0),),
    )
    report = _Report(progress, sum(checked.read.values()))
    steps = await _work_off(run, first, report)
    async with run.database.reading(run.actor) as session:
        known = await known_of(session, institution_id=run.institution_id, sites=tables.vle)
    # The largest first, so that none is left alone at the end.
    months = sorted(checked.store.months.items(), key=lambda item: -item[1])
    days = tuple(
        (
            _Planned(
                f"activity {month:%Y-%m}",
                partial(_write_days, run=run, store=checked.store, month=month, known=known),
                rows,
            ),
        )
        for month, rows in months
    )
    steps |= await _work_off(run, rest + days, report)
    return tuple(steps[planned.name] for row in (*first, *rest, *days) for planned in row)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A step to be done, and how many lines of the files are written with it."""

    name: str
    work: Work
    lines: int


class _Report:
    """How many rows of the files are written."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, rows: int) -> None:
        """Count rows that are committed now."""
        self._done += rows
        self._progress(WRITING, self._done, self._total)


async def _work_off(run: Run, rows: tuple[tuple[_Planned, ...], ...], report: _Report) -> dict[str, Step]:
    """Do the steps, several rows of them at once: each worker takes the next row when it is done with one."""
    waiting = iter(rows)
    done: dict[str, Step] = {}

    async def worker() -> None:
        for row in waiting:
            for planned in row:
                done[planned.name] = await run.step(planned.name, planned.work)
                report.add(planned.lines)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(worker())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return done


async def _write_catalogue(
    session: Session, *, run: Run, tables: Tables, courses: pl.DataFrame, placement: Placement
) -> Loaded:
    actor, institution_id = run.actor, run.institution_id
    places = {}
    for code in courses["code_module"].unique(maintain_order=True):
        place = placement.units.get(code)
        places[code] = (
            institution_id
            if place is None
            else await identity.ensure_org_unit(
                session, actor=actor, institution_id=institution_id, kind=place.kind, code=place.code, name=place.name
            )
        )
    loaded = Loaded(0, 0)
    for verb, rows in (
        (academics.load_units, mapping.units(courses, places)),
        (academics.load_terms, mapping.terms(courses)),
        (academics.load_offerings, mapping.offerings(courses)),
        (academics.load_resources, mapping.resources(tables)),
        (academics.load_assessments, mapping.assessments(tables, courses)),
    ):
        loaded += await verb(session, actor=actor, institution_id=institution_id, rows=rows)
    return loaded


async def _load_enrolments(session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Enrolments and their history belong together, so they are one step."""
    loaded = await academics.load_enrollments(session, actor=actor, institution_id=institution_id, rows=rows)
    history = mapping.status_changes(rows)
    return loaded + await academics.load_status_changes(
        session, actor=actor, institution_id=institution_id, rows=history
    )


async def _write_days(session: Session, *, run: Run, store: ClickStore, month: date, known: Known) -> Loaded:
    days = await asyncio.to_thread(days_of, store, month, known.people, known.sites)
    batch = lrs.ActivityDays(known.actors, known.activities, days)
    return await lrs.load_activity_days(session, actor=run.actor, institution_id=run.institution_id, batch=batch)
