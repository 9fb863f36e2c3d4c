"""What the class did, as figures of many: quartiles of weekly activity and medians of marks, as of a day.

Read for the class as a whole: in the session of those who may see all of it, or in one of the system for a student,
whom row-level security shows no other. What leaves this file describes at least ten people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Date, Float, Integer, and_, cast, column, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import Enrollment, Result
from academe.academics.types import EnrollmentStatus
from academe.insight.models import LearnerDay

TOOK_PART: Final = (EnrollmentStatus.ENROLLED, EnrollmentStatus.COMPLETED, EnrollmentStatus.WITHDRAWN)
"""Statuses of those who belong to the class, or did until they left."""

SMALLEST_GROUP: Final = 10
"""Fewer people are not summed up: a figure of few says too much about each."""


@dataclass(frozen=True, slots=True)
class WeekOfClass:
    """The quartiles of the clicks of one week, over everybody who took part at its end."""

    week: int
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """The class by week, and the median score of each assessment that was marked by the day for enough students."""

    weeks: Mapping[int, WeekOfClass]
    medians: Mapping[UUID, float]


async def class_figures(session: AsyncSession, *, offering_id: UUID, starts_on: date, as_of: date) -> ClassFigures:
    """The figures of an offering at the end of a day; the session must be allowed to see the whole class.

    Week n are the seven days that end on `starts_on` + 7 n; the last may have fewer.
    """
    return ClassFigures(
        await _weeks(session, offering_id, starts_on, as_of), await _medians(session, offering_id, as_of)
    )


async def _weeks(session: AsyncSession, offering_id: UUID, starts_on: date, as_of: date) -> Mapping[int, WeekOfClass]:
    weeks = -(-(as_of - starts_on).days // 7)
    if weeks < 1:
        return {}
    number = cast((LearnerDay.day - starts_on + 6) / 7, Integer)
    done = (
        select(LearnerDay.enrollment_id, number.label("week"), func.sum(LearnerDay.clicks).label("clicks"))
        .where(LearnerDay.offering_id == offering_id, LearnerDay.day > starts_on, LearnerDay.day <= as_of)
        .group_by(LearnerDay.enrollment_id, number)
        .cte("done")
    )
    numbers = func.generate_series(1, weeks).table_valued(column("week", Integer)).render_derived("weeks")
    week = numbers.c.week
    ends_on = cast(literal(starts_on), Date) + week * 7
    clicks = cast(func.coalesce(done.c.clicks, 0), Float)
    quartiles = [func.percentile_cont(share).within_group(clicks) for share in (0.25, 0.5, 0.75)]
    rows = await session.execute(
        select(week, *quartiles)
        .select_from(numbers)
        .join(
            Enrollment,
            and_(
                Enrollment.offering_id == offering_id,
                Enrollment.status.in_(TOOK_PART),
                or_(Enrollment.enrolled_on.is_(None), Enrollment.enrolled_on <= ends_on),
                or_(Enrollment.withdrawn_on.is_(None), Enrollment.withdrawn_on > ends_on),
            ),
        )
        .outerjoin(done, and_(done.c.enrollment_id == Enrollment.id, done.c.week == week))
        .group_by(week)
        .having(func.count() >= SMALLEST_GROUP)
    )
    return {row[0]: WeekOfClass(*row) for row in rows}


async def _medians(session: AsyncSession, offering_id: UUID, as_of: date) -> Mapping[UUID, float]:
    rows = await session.execute(
        select(Result.assessment_id, func.percentile_cont(0.5).within_group(cast(Result.score, Float)))
        .where(
            Result.offering_id == offering_id,
            Result.marked_on <= as_of,
            Result.score.is_not(None),
            Result.carried_over.is_(False),
        )
        .group_by(Result.assessment_id)
        .having(func.count() >= SMALLEST_GROUP)
    )
    return {assessment_id: float(median) for assessment_id, median in rows}
