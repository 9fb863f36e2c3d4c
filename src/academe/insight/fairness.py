"""The fairness audit: the same figures for every group of the protected attributes, which nothing else here reads, and
of prior education, which is a feature.

What is reported: the share lost and the mean prediction (a gap means the group's probabilities are off), the AUC within
the group, and the part of those lost whom a threshold of one half would have missed (equal opportunity: Hardt et al.
2016). Groups smaller than `SMALLEST_GROUP` are left out: their figures would be noise, and might point at persons.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

import polars as pl
from sklearn.metrics import roc_auc_score
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import StudentProtectedAttributes
from academe.insight.models import RiskModel
from academe.insight.reporting import known_scores
from academe.insight.types import AUDITED_ATTRIBUTES, PROTECTED_ATTRIBUTES, SMALLEST_GROUP, group_name


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """One group of one attribute. Shares are of scores; `auc` and `missed` are empty where one outcome is absent."""

    attribute: str
    group: str
    enrollments: int
    lost: float
    predicted: float
    auc: float | None
    missed: float | None

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


async def group_figures(
    session: AsyncSession, *, model: RiskModel, offerings: Sequence[UUID]
) -> tuple[GroupFigures, ...]:
    """Figures for every group with known outcomes, attribute by attribute, the largest groups first."""
    known = await known_scores(session, model=model, offerings=offerings)
    joined = known.join(await _attributes(session), on="student_id", how="left")
    return tuple(
        _figures(attribute, group_name(attribute, str(group[0])), rows)
        for attribute in AUDITED_ATTRIBUTES
        for group, rows in sorted(
            joined.drop_nulls(attribute).partition_by(attribute, as_dict=True).items(), key=lambda item: -item[1].height
        )
        if rows["student_id"].n_unique() >= SMALLEST_GROUP
    )


async def _attributes(session: AsyncSession) -> pl.DataFrame:
    columns = [getattr(StudentProtectedAttributes, attribute) for attribute in PROTECTED_ATTRIBUTES]
    rows = (await session.execute(select(StudentProtectedAttributes.student_id, *columns))).all()
    values = [(str(row[0]), *row[1:]) for row in rows]
    return pl.DataFrame(values, schema=dict.fromkeys(("student_id", *PROTECTED_ATTRIBUTES), pl.String), orient="row")


def _figures(attribute: str, group: str, rows: pl.DataFrame) -> GroupFigures:
    lost, probability = rows["lost"].to_numpy().astype(float), rows["probability"].to_numpy()
    both = 0 < lost.mean() < 1
    return GroupFigures(
        attribute=attribute,
        group=group,
        enrollments=rows["student_id"].n_unique(),
        lost=float(lost.mean()),
        predicted=float(probability.mean()),
        auc=float(roc_auc_score(lost, probability)) if both else None,
        missed=float((probability[lost == 1] < 0.5).mean()) if lost.any() else None,
    )
