"""Scoring: the probability of every still-registered enrolment of some offerings, as of a day, with its reasons."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, cast
from uuid import UUID

import numpy as np
import polars as pl
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import Offering
from academe.insight.explanation import Row, baseline_factor, factors_of
from academe.insight.facts import RiskScored
from academe.insight.features.catalog import FEATURE_NAMES
from academe.insight.features.reading import read_features
from academe.insight.models import RiskModel
from academe.insight.prediction import THEMES, Predictions, RiskPredictor
from academe.insight.types import band_of
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.database.staging import stage, with_ids
from academe.platform.outbox.service import announce, announce_all

_COLUMNS: Final = {
    "id": "uuid",
    "enrollment_id": "uuid",
    "student_id": "uuid",
    "offering_id": "uuid",
    "as_of": "date",
    "probability": "double precision",
    "lower": "double precision",
    "upper": "double precision",
    "band": "text",
    "factors": "jsonb",
    "features": "jsonb",
}

# Scores are never changed: one that stands for this enrolment, day and model stays.
_INSERT: Final = text(
    """
    INSERT INTO risk_score (id, enrollment_id, student_id, offering_id, model_id, as_of, probability, lower, upper,
                            band, factors, features)
    SELECT id, enrollment_id, student_id, offering_id, :model_id, as_of, probability, lower, upper, band, factors,
           features
    FROM pg_temp.scored
    ON CONFLICT (enrollment_id, as_of, model_id) DO NOTHING
    """
)


@dataclass(frozen=True, slots=True)
class Scored:
    """What one scoring did: enrolments looked at, and scores that were new."""

    enrollments: int
    written: int


async def score_offerings(
    session: Session, *, actor: Actor, model: RiskModel, offerings: Sequence[Offering], as_of: Mapping[UUID, date]
) -> Scored:
    """Score every still-registered enrolment of whole offerings, each as of the end of its day in `as_of`.

    A score that stands for the same enrolment, day and model is left as it is. Raises ModelMismatchError.
    """
    scope = {offering.id: as_of[offering.id] for offering in offerings}
    scored = await _keep(session, model, await scores_in(session, RiskPredictor.of(model), scope))
    if scored.written:
        for offering in offerings:
            _leave_entry(session, actor, model, offering, [as_of[offering.id]])
        await announce_all(session, [RiskScored(offering.id, as_of[offering.id]) for offering in offerings])
    return scored


async def score_days(
    session: Session, *, actor: Actor, model: RiskModel, offering: Offering, days: Sequence[date]
) -> Scored:
    """Score an offering as of the end of each of several days, each with nothing but what was known by then.

    One call costs less than one for each day: the trees are prepared for their contributions once. Raises
    ModelMismatchError.
    """
    predictor = RiskPredictor.of(model)
    frames = [await read_features(session, scope={offering.id: day}) for day in days]
    scored = await _keep(session, model, _scored(predictor, pl.concat(frames))) if frames else Scored(0, 0)
    if scored.written:
        _leave_entry(session, actor, model, offering, days)
        await announce(session, RiskScored(offering.id, max(days)))
    return scored


async def scores_in(session: AsyncSession, predictor: RiskPredictor, scope: Mapping[UUID, date]) -> pl.DataFrame:
    """The scores of every still-registered enrolment of whole offerings, as the columns that are written but the id.

    In two halves: the database computes the features of the second while a thread scores the first.
    """
    offerings = list(scope.items())
    first = await read_features(session, scope=dict(offerings[::2]))
    scoring = asyncio.create_task(asyncio.to_thread(_scored, predictor, first))
    try:
        second = await read_features(session, scope=dict(offerings[1::2]))
    finally:
        scores = await scoring  # a thread cannot be stopped
    return pl.concat([scores, await asyncio.to_thread(_scored, predictor, second)], how="diagonal")


def _scored(predictor: RiskPredictor, rows: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        return pl.DataFrame()
    return _scores_of(rows, predictor.predict(rows.select(FEATURE_NAMES).to_numpy(order="c")))


async def _keep(session: Session, model: RiskModel, scores: pl.DataFrame) -> Scored:
    if scores.is_empty():
        return Scored(0, 0)
    await stage(session, "scored", _COLUMNS, with_ids(scores))
    written = await session.execute(_INSERT, {"model_id": model.id})
    count = cast("int", written.rowcount)  # type: ignore[attr-defined]  # execute does not say it is a CursorResult
    return Scored(scores.height, count)


def _leave_entry(session: Session, actor: Actor, model: RiskModel, offering: Offering, days: Sequence[date]) -> None:
    first, last = min(days).isoformat(), max(days).isoformat()
    when = first if len(days) == 1 else f"{len(days)} days from {first} to {last}"
    record(
        session,
        actor=actor,
        action="risk.scored",
        subject=Subject("offering", offering.id, offering.institution_id),
        summary=f"Scored as of {when} with model {model.version}",
        changes={"model_id": model.id, "as_of": [day.isoformat() for day in days]},
    )


def _scores_of(rows: pl.DataFrame, predictions: Predictions) -> pl.DataFrame:
    plain = rows.with_columns(pl.col(FEATURE_NAMES).round(4))
    features = plain.select(pl.struct(FEATURE_NAMES).struct.json_encode().alias("features"))["features"]
    return rows.select("enrollment_id", "student_id", "offering_id", "as_of").with_columns(
        probability=pl.Series(predictions.probability),
        lower=pl.Series(predictions.lower),
        upper=pl.Series(predictions.upper),
        band=pl.Series([band_of(value).value for value in predictions.probability]),
        factors=pl.Series(_factors(rows, predictions)),
        features=features,
    )


def _factors(rows: pl.DataFrame, predictions: Predictions) -> list[str]:
    middles: dict[tuple[str, date], Row] = {
        (row["offering_id"], row["as_of"]): row
        for row in rows.group_by("offering_id", "as_of").agg(pl.col(FEATURE_NAMES).median()).iter_rows(named=True)
    }
    contributions = np.round(predictions.contributions, 6).tolist()
    return [
        json.dumps(
            [
                *factors_of(row, middles[row["offering_id"], row["as_of"]], THEMES, contributions[index]),
                baseline_factor(float(predictions.baseline[index])),
            ]
        )
        for index, row in enumerate(rows.iter_rows(named=True))
    ]
