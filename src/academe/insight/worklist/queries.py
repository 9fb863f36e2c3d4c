"""The worklist as statements: who was scored for a day, in which order, and what a page says of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Row, Select, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from academe.academics.models import Enrollment, Offering, StudentRecord, Term, Unit
from academe.identity.models import OrgUnit, Person
from academe.insight.models import LearnerDay, RiskScore
from academe.insight.reasons import main_reasons, reasons_of
from academe.insight.types import RiskBand
from academe.insight.weeks import SCORE_HOLDS
from academe.platform.http.pagination import PageRequest, SortKey, fetch_page

Order = Literal["need", "change", "number"]

RISING: Final = 0.05
"""A rise of the probability since the score before, from which on a student counts as rising."""

TREND_WEEKS: Final = 8
"""How many weeks a trend goes back."""

MOST_OFFERINGS: Final = 500
"""Offerings that one worklist can hold."""


@dataclass(frozen=True, slots=True)
class WorklistOffering:
    """An offering whose students may be in the worklist."""

    id: UUID
    unit_code: str
    unit_title: str
    term_id: UUID
    term_title: str
    starts_on: date
    ends_on: date
    attribution: str | None


@dataclass(frozen=True, slots=True)
class WorklistFilter:
    """What a worklist shows: offerings and a day, and of their students those in a band, found or rising."""

    offering_ids: tuple[UUID, ...]
    as_of: date
    band: RiskBand | None = None
    search: str = ""
    rising: bool = False
    order: Order = "need"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """A student in an offering as of the day.

    `history` has the probabilities of the last eight weeks, oldest first, None where there was none; `change` is the
    difference to the score before; `reasons` are the main facts that speak for a higher risk.
    """

    student_id: UUID
    enrollment_id: UUID
    offering_id: UUID
    number: str
    name: str
    unit_code: str
    probability: float
    lower: float
    upper: float
    band: RiskBand
    scored_as_of: date
    reasons: tuple[str, ...]
    history: tuple[float | None, ...]
    change: float | None
    last_visit: date | None


@dataclass(frozen=True, slots=True)
class WorklistRows:
    """A page of the worklist with the cursors to its neighbours."""

    rows: Sequence[WorklistRow]
    next_cursor: str | None
    previous_cursor: str | None


async def worklist_offerings(session: AsyncSession, readable: ColumnElement[bool]) -> Sequence[WorklistOffering]:
    """The offerings for which `readable` holds, latest term first; at most 500."""
    rows = await session.execute(
        select(
            Offering.id, Unit.code, Unit.title, Term.id, Term.title, Offering.starts_on, Offering.ends_on,
            OrgUnit.data_attribution,
        )
        .join(Unit, Unit.id == Offering.unit_id)
        .join(Term, Term.id == Offering.term_id)
        .join(OrgUnit, OrgUnit.id == Offering.institution_id)
        .where(readable)
        .order_by(Term.starts_on.desc(), Unit.code, Offering.id)
        .limit(MOST_OFFERINGS)
    )  # fmt: skip
    return [WorklistOffering(*row) for row in rows]


async def offerings_with_scores(session: AsyncSession, offering_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the offerings in which anybody was ever scored."""
    found = select(RiskScore.id).where(RiskScore.offering_id == Offering.id).exists()
    rows = await session.execute(select(Offering.id).where(Offering.id.in_(offering_ids), found))
    return frozenset(rows.scalars())


async def band_counts(session: AsyncSession, asked: WorklistFilter) -> Mapping[RiskBand, int]:
    """How many students of the worklist are in each band, whichever band is asked for; critical first."""
    current = _current(asked)
    wanted = select(current.c.band, func.count()).select_from(current).group_by(current.c.band)
    found = {row[0]: row[1] for row in await session.execute(_narrowed(wanted, current, asked))}
    return {band: found.get(band, 0) for band in reversed(RiskBand)}


async def worklist_page(session: AsyncSession, asked: WorklistFilter, request: PageRequest) -> WorklistRows:
    """A page of the worklist. Raises InvalidCursorError."""
    current = _current(asked)
    wanted = _narrowed(select(current.c.id).select_from(current), current, asked)
    if asked.band is not None:
        wanted = wanted.where(current.c.band == asked.band)
    page = await fetch_page(session, wanted, _keys(current, asked), request, _identity)
    rows = await _rows(session, page.items, asked.as_of)
    return WorklistRows(rows, page.next_cursor, page.previous_cursor)


def _identity(row: Row[*tuple[Any, ...]]) -> UUID:
    identity: UUID = row[0]
    return identity


def _current(asked: WorklistFilter) -> CTE:
    """The newest score of each enrolment that holds on the day, with the one before where the order needs it."""
    newest = (
        select(
            RiskScore.id, RiskScore.enrollment_id, RiskScore.student_id, RiskScore.probability, RiskScore.band,
            RiskScore.as_of,
        )
        .ext(distinct_on(RiskScore.enrollment_id))
        .where(
            RiskScore.offering_id.in_(asked.offering_ids),
            RiskScore.as_of > asked.as_of - SCORE_HOLDS,
            RiskScore.as_of <= asked.as_of,
        )
        .order_by(RiskScore.enrollment_id, RiskScore.as_of.desc(), RiskScore.scored_at.desc(), RiskScore.id.desc())
        .cte("newest")
    )  # fmt: skip
    if not (asked.rising or asked.order == "change"):
        return newest
    before = (
        select(RiskScore.probability)
        .where(RiskScore.enrollment_id == newest.c.enrollment_id, RiskScore.as_of < newest.c.as_of)
        .order_by(RiskScore.as_of.desc(), RiskScore.scored_at.desc())
        .limit(1)
        .correlate(newest)
        .scalar_subquery()
    )
    return select(newest, (newest.c.probability - before).label("change")).cte("current")


def _narrowed(wanted: Select[Any], current: CTE, asked: WorklistFilter) -> Select[Any]:
    """Those who still take part on the day, and are found by number or rising when that is asked for."""
    narrowed = (
        wanted.join(Enrollment, Enrollment.id == current.c.enrollment_id)
        .join(StudentRecord, StudentRecord.id == current.c.student_id)
        .where(or_(Enrollment.withdrawn_on.is_(None), Enrollment.withdrawn_on > asked.as_of))
    )
    if asked.search:
        narrowed = narrowed.where(StudentRecord.number.icontains(asked.search, autoescape=True))
    return narrowed.where(current.c.change >= RISING) if asked.rising else narrowed


def _keys(current: CTE, asked: WorklistFilter) -> tuple[SortKey, ...]:
    identity = SortKey("id", current.c.id)
    if asked.order == "number":
        length = func.length(StudentRecord.number)
        return (
            SortKey("length", length, asked.descending),
            SortKey("number", StudentRecord.number, asked.descending),
            identity,
        )
    if asked.order == "change":
        return (SortKey("change", current.c.change, asked.descending, nullable=True), identity)
    return (SortKey("probability", current.c.probability, asked.descending), identity)


async def _rows(session: AsyncSession, score_ids: Sequence[UUID], as_of: date) -> Sequence[WorklistRow]:
    """What a page says of the scores, in their order."""
    if not score_ids:
        return []
    last_visit = (
        select(func.max(LearnerDay.day))
        .where(LearnerDay.enrollment_id == RiskScore.enrollment_id, LearnerDay.day <= as_of)
        .correlate(RiskScore)
        .scalar_subquery()
    )
    found = await session.execute(
        select(RiskScore, StudentRecord.number, Person.display_name, Unit.code, last_visit)
        .join(StudentRecord, StudentRecord.id == RiskScore.student_id)
        .join(Person, Person.id == StudentRecord.person_id)
        .join(Offering, Offering.id == RiskScore.offering_id)
        .join(Unit, Unit.id == Offering.unit_id)
        .where(RiskScore.id.in_(score_ids))
        .options(defer(RiskScore.features, raiseload=True))
    )
    scores = {row[0].id: row for row in found}
    histories = await _histories(session, [row[0].enrollment_id for row in scores.values()], as_of)
    return [_row(*scores[score_id], histories) for score_id in score_ids]


def _row(
    score: RiskScore,
    number: str,
    name: str,
    unit_code: str,
    last_visit: date | None,
    histories: Mapping[UUID, Mapping[date, float]],
) -> WorklistRow:
    history = histories.get(score.enrollment_id, {})
    before = [day for day in history if day < score.as_of]
    themes, _ = reasons_of(score.factors)
    return WorklistRow(
        student_id=score.student_id,
        enrollment_id=score.enrollment_id,
        offering_id=score.offering_id,
        number=number,
        name=name,
        unit_code=unit_code,
        probability=score.probability,
        lower=score.lower,
        upper=score.upper,
        band=score.band,
        scored_as_of=score.as_of,
        reasons=main_reasons(themes),
        history=_by_week(history, score.as_of),
        change=score.probability - history[max(before)] if before else None,
        last_visit=last_visit,
    )


def _by_week(history: Mapping[date, float], last: date) -> tuple[float | None, ...]:
    """The last probability of each of the eight weeks that end on `last`, oldest first."""
    weeks: list[float | None] = [None] * TREND_WEEKS
    for day, probability in sorted(history.items()):
        index = (last - day).days // 7
        if 0 <= index < TREND_WEEKS:
            weeks[TREND_WEEKS - 1 - index] = probability
    return tuple(weeks)


async def _histories(
    session: AsyncSession, enrollment_ids: Sequence[UUID], as_of: date
) -> Mapping[UUID, Mapping[date, float]]:
    """The probabilities of the last weeks by enrolment and day; of several models, the one that scored last."""
    rows = await session.execute(
        select(RiskScore.enrollment_id, RiskScore.as_of, RiskScore.probability)
        .where(
            RiskScore.enrollment_id.in_(enrollment_ids),
            RiskScore.as_of > as_of - timedelta(days=7 * (TREND_WEEKS + 1)),
            RiskScore.as_of <= as_of,
        )
        .order_by(RiskScore.scored_at)
    )
    histories: dict[UUID, dict[date, float]] = {}
    for enrollment_id, day, probability in rows:
        histories.setdefault(enrollment_id, {})[day] = probability
    return histories


async def probability_counts(session: AsyncSession, asked: WorklistFilter, *, steps: int = 20) -> Sequence[int]:
    """How many students of the whole list have a probability in each of `steps` equal parts of 0 to 1."""
    current = _current(asked)
    step = func.least(func.floor(current.c.probability * steps), steps - 1).label("step")
    counted = select(step, func.count()).select_from(current).group_by(step)
    counts = [0] * steps
    for index, count in await session.execute(_narrowed(counted, current, asked)):
        counts[int(index)] = count
    return counts
