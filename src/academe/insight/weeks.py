"""Looking at a day: the week of teaching that a page shows, and the weeks for which there are scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Date, cast, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.insight.models import RiskScore

LOOK_BACK_WEEK: Final = 8
"""Where pages open when teaching is over: early enough that help would still have mattered."""

SCORE_HOLDS: Final = timedelta(days=7)
"""How long a score is shown; an older one is no longer about the student of today."""


@dataclass(frozen=True, slots=True)
class Week:
    """The end of the day that a page shows, as a week of teaching; week 0 is the day on which teaching begins.

    `last` is the last week that can be chosen: never one that is still to come. `scored` are the weeks with scores.
    `is_present` says that the day is today.
    """

    starts_on: date
    ends_on: date
    number: int
    last: int
    as_of: date
    scored: tuple[int, ...]
    is_present: bool

    @property
    def has_scores(self) -> bool:
        """Whether anybody was scored for it."""
        return self.number in self.scored

    @property
    def scored_before(self) -> int | None:
        """The nearest earlier week with scores."""
        return max((week for week in self.scored if week < self.number), default=None)

    @property
    def scored_after(self) -> int | None:
        """The nearest later week with scores."""
        return min((week for week in self.scored if week > self.number), default=None)

    @property
    def of(self) -> int:
        """The number of the last week of teaching."""
        return (self.ends_on - self.starts_on).days // 7


def choose_week(starts_on: date, ends_on: date, *, asked: int | None, today: date, scored: Sequence[int]) -> Week:
    """The week asked for; else today while teaching goes on; else, when it is over, a week early in it."""
    last = max((min(today, ends_on) - starts_on).days // 7, 0)
    known = tuple(week for week in scored if week <= last)
    going_on = starts_on <= today <= ends_on
    if going_on and (asked is None or asked >= last):
        return Week(starts_on, ends_on, last, last, today, known, is_present=True)
    number = min(max(asked, 0), last) if asked is not None else _look_back(known, last)
    return Week(starts_on, ends_on, number, last, starts_on + timedelta(days=7 * number), known, is_present=False)


def _look_back(scored: Sequence[int], last: int) -> int:
    early = [week for week in scored if week <= LOOK_BACK_WEEK]
    return max(early, default=min(scored, default=min(LOOK_BACK_WEEK, last)))


async def scored_weeks(
    session: AsyncSession, offering_ids: Sequence[UUID], starts_on: date, ends_on: date
) -> Sequence[int]:
    """The weeks, counted from `starts_on`, in which a student of the offerings was scored."""
    if not offering_ids:
        return []
    last = (ends_on - starts_on).days // 7 + 1
    week = func.generate_series(0, last).column_valued("week")
    day = cast(literal(starts_on), Date) + week * 7
    found = exists(
        select(RiskScore.id).where(
            RiskScore.offering_id.in_(offering_ids), RiskScore.as_of > day - SCORE_HOLDS.days, RiskScore.as_of <= day
        )
    )
    rows = await session.execute(select(week).where(found).order_by(week))
    return list(rows.scalars())
