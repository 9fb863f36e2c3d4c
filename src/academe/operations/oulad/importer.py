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
    """What others refer to comes first, one step after the other; all the rest side by side."""
    tables, courses = checked.tables, checked.courses
    students = mapping.students(tables, courses)
    enrolled = mapping.enrollments(tables, courses)
    results = mapping.results(tables, courses)

    def loading(verb: Callable[..., Awaitable[Loaded]], rows: pl.DataFrame) -> Work:
        return partial(verb, actor=run.actor, institution_id=run.institution_id, rows=rows)

    catalogue = partial(_write_catalogue, run=run, tables=tables, courses=courses, placement=placement)
    # Each with the rows of the files that are written when it is done.
    first: dict[str, tuple[Work, int]] = {
        "catalogue": (catalogue, courses.height + tables.vle.height + tables.assessments.height),
        "people": (loading(identity.load_people, students), 0),
        "students": (loading(academics.load_students, students), 0),
        "enrolments": (partial(_write_enrolments, run=run, enrolled=enrolled), 2 * enrolled.height),
    }
    rest: dict[str, tuple[Work, int]] = {
        "results": (loading(academics.load_results, results), results.height),
        "protected attributes": (loading(academics.load_protected_attributes, students), 0),
    }
    report = _Report(progress, sum(checked.read.values()))
    steps = await _work_off(run, first, report, at_once=1)
    async with run.database.reading(run.actor) as session:
        known = await known_of(session, institution_id=run.institution_id, sites=tables.vle)
    # The largest first, so that none is left alone at the end.
    for month, log in sorted(checked.store.months.items(), key=lambda item: -item[1].rows):
        work = partial(_write_days, run=run, store=checked.store, month=month, known=known)
        rest[f"activity {month:%Y-%m}"] = (work, log.rows)
    steps |= await _work_off(run, rest, report, at_once=AT_ONCE)
    return tuple(steps[name] for name in (*first, *rest))


class _Report:
    """How many rows of the files are written."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, rows: int) -> None:
        """Count rows that are committed now."""
        self._done += rows
        self._progress(WRITING, self._done, self._total)


async def _work_off(run: Run, works: dict[str, tuple[Work, int]], report: _Report, *, at_once: int) -> dict[str, Step]:
    """Do the steps in their order, several at once: each worker takes the next when it is done with one."""
    waiting = iter(works.items())
    done: dict[str, Step] = {}

    async def worker() -> None:
        for name, (work, rows) in waiting:
            done[name] = await run.step(name, work)
            report.add(rows)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
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


async def _write_enrolments(session: Session, *, run: Run, enrolled: pl.DataFrame) -> Loaded:
    """Enrolments and their history belong together, so they are one step."""
    actor, institution_id = run.actor, run.institution_id
    loaded = await academics.load_enrollments(session, actor=actor, institution_id=institution_id, rows=enrolled)
    history = mapping.status_changes(enrolled)
    return loaded + await academics.load_status_changes(
        session, actor=actor, institution_id=institution_id, rows=history
    )


async def _write_days(session: Session, *, run: Run, store: ClickStore, month: date, known: Known) -> Loaded:
    days = await asyncio.to_thread(days_of, store, month, known.people, known.sites)
    batch = lrs.ActivityDays(known.actors, known.activities, days)
    return await lrs.load_activity_days(session, actor=run.actor, institution_id=run.institution_id, batch=batch)
