"""Scores held against what happened: how good a model's predictions were on enrolments whose outcome is known."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

import polars as pl
from sqlalchemy import Integer, Select, String, cast, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import Enrollment, Offering
from academe.academics.types import Outcome
from academe.insight.cards import CalibrationBin, WeekMetrics
from academe.insight.metrics import calibration_bins, week_metrics
from academe.insight.models import RiskModel, RiskScore
from academe.insight.training import LOST
from academe.platform.errors import NotFoundError

SCHEMA: Final[dict[str, Any]] = {
    "student_id": pl.String,
    "prior_education_level": pl.String,
    "week": pl.Int64,
    "probability": pl.Float64,
    "lost": pl.Boolean,
}


class NothingToReportError(NotFoundError):
    """The model has no scores of enrolments whose outcome is known."""

    title = "The active model has no scores of enrolments whose outcome is known"


@dataclass(frozen=True, slots=True)
class Report:
    """Figures by week, in whole weeks since the start, and calibration over all scores."""

    model_version: str
    scores: int
    weeks: tuple[WeekMetrics, ...]
    calibration: tuple[CalibrationBin, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self) | {
            "weeks": [week.model_dump() for week in self.weeks],
            "calibration": [part.model_dump() for part in self.calibration],
        }


async def report_of(session: AsyncSession, *, model: RiskModel, offerings: Sequence[UUID]) -> Report:
    """The report on a model's scores in some offerings; raises NothingToReportError."""
    known = await known_scores(session, model=model, offerings=offerings)
    if known.is_empty():
        raise NothingToReportError
    parts = {int(str(week[0])): part for week, part in known.partition_by("week", as_dict=True).items()}
    weeks = tuple(
        week_metrics(week, part["lost"].to_numpy().astype(float), part["probability"].to_numpy())
        for week, part in sorted(parts.items())
        if part["lost"].n_unique() == 2
    )
    bins = calibration_bins(known["lost"].to_numpy().astype(float), known["probability"].to_numpy())
    return Report(model.version, known.height, weeks, bins)


async def known_scores(session: AsyncSession, *, model: RiskModel, offerings: Sequence[UUID]) -> pl.DataFrame:
    """Scores whose outcome is known: `student_id`, `prior_education_level` (as text), `week`, `probability`, `lost`."""
    rows = (await session.execute(_scores_with_outcome(model, offerings))).all()
    values = [
        (str(row.student_id), row.prior_education_level, row.days // 7, row.probability, row.outcome in LOST)
        for row in rows
    ]
    return pl.DataFrame(values, schema=SCHEMA, orient="row")


def _scores_with_outcome(
    model: RiskModel, offerings: Sequence[UUID]
) -> Select[UUID, str | None, int, float, Outcome | None]:
    return (
        select(
            RiskScore.student_id,
            cast(Enrollment.prior_education_level, String).label("prior_education_level"),
            type_coerce(RiskScore.as_of - Offering.starts_on, Integer).label("days"),
            RiskScore.probability,
            Enrollment.outcome,
        )
        .join(Enrollment, Enrollment.id == RiskScore.enrollment_id)
        .join(Offering, Offering.id == RiskScore.offering_id)
        .where(
            RiskScore.model_id == model.id,
            RiskScore.offering_id.in_(offerings),
            Enrollment.outcome.is_not(None),
        )
    )
