"""The fairness audit as the page shows it: one statement, so that no web process has to load what trains models.

`fairness` computes the same with the AUC, for the command line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Float, Integer, Select, String, cast, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import Enrollment, Offering, StudentProtectedAttributes
from academe.academics.types import Outcome
from academe.insight.models import RiskScore
from academe.insight.types import AUDITED_ATTRIBUTES, SMALLEST_GROUP, group_name


@dataclass(frozen=True, slots=True)
class FairnessRow:
    """One group of one attribute, over every score of its students whose outcome is known.

    `lost` and `predicted` are the share lost and the mean prediction; `missed` is the part of those lost whose
    probability was below one half (equal opportunity: Hardt et al. 2016), empty when nobody was lost.
    """

    attribute: str
    group: str
    students: int
    lost: float
    predicted: float
    missed: float | None


async def fairness_by_group(
    session: AsyncSession, model_id: UUID, readable: ColumnElement[bool]
) -> Sequence[FairnessRow]:
    """Every group of at least `SMALLEST_GROUP` students in the offerings for which `readable` holds, by name.

    Counts the students whose protected attributes row-level security shows the session's actor.
    """
    groups = union_all(
        *(_groups(index, name, model_id, readable) for index, name in enumerate(AUDITED_ATTRIBUTES))
    ).subquery()
    rows = await session.execute(select(groups).order_by(groups.c.position, groups.c["group"]))
    return [FairnessRow(attribute, group_name(attribute, group), *figures) for _, attribute, group, *figures in rows]


def _group_by(attribute: str) -> ColumnElement[str]:
    if attribute == Enrollment.prior_education_level.key:
        return cast(Enrollment.prior_education_level, String)
    column: ColumnElement[str] = getattr(StudentProtectedAttributes, attribute)
    return column


def _groups(position: int, attribute: str, model_id: UUID, readable: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    group = _group_by(attribute)
    is_lost = Enrollment.outcome.in_([Outcome.FAIL, Outcome.WITHDRAWN])
    below_half = cast(cast(RiskScore.probability < 0.5, Integer), Float)
    students = func.count(RiskScore.student_id.distinct())
    return (
        select(
            literal(position).label("position"),
            literal(attribute).label("attribute"),
            group.label("group"),
            students.label("students"),
            func.avg(cast(cast(is_lost, Integer), Float)).label("lost"),
            func.avg(RiskScore.probability).label("predicted"),
            func.avg(below_half).filter(is_lost).label("missed"),
        )
        .select_from(RiskScore)
        .join(Enrollment, Enrollment.id == RiskScore.enrollment_id)
        .join(Offering, Offering.id == RiskScore.offering_id)
        .outerjoin(StudentProtectedAttributes, StudentProtectedAttributes.student_id == RiskScore.student_id)
        .where(readable, RiskScore.model_id == model_id, Enrollment.outcome.is_not(None), group.is_not(None))
        .group_by(group)
        .having(students >= SMALLEST_GROUP)
    )
