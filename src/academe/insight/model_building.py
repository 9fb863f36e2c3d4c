"""Making a model from ended offerings: train, calibrate, judge on a later term, and write the card."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import Offering
from academe.insight.cards import ModelCard, WeekMetrics
from academe.insight.features.catalog import FEATURE_NAMES
from academe.insight.metrics import calibration_bins, week_metrics
from academe.insight.prediction import RiskPredictor
from academe.insight.registry import TrainedModel, artifact_of, version_now
from academe.insight.training import (
    PARAMETERS,
    WEEKS,
    NothingToTrainOnError,
    Snapshots,
    fit_predictor,
    margins,
    read_snapshots,
)
from academe.platform.clock import now

EXCLUDED: Final = (
    "gender",
    "ethnicity",
    "socioeconomic status",
    "special-education status",
    "English-learner status",
    "age band",
    "region",
)

ASSUMPTIONS: Final = (
    "A score counts from its marking day. Where a source gives none, seven days after the submission are assumed.",
    "A withdrawal counts from its own day, an outcome from the day it became known.",
    "Only enrolments that are still registered on the day are scored and ranked.",
)

LIMITS: Final = (
    "It says how enrolments like this one ended before; it does not say why, nor what would help.",
    (
        "It knows clicks, coursework, registration and the level of prior education. It knows nothing of illness, work,"
        " family or motivation."
    ),
    "It learned from distance teaching; where most study happens in a room, it must be trained anew.",
    "In the first two weeks little is known: expect wide differences between the probability and what happens.",
    "It must not decide admission, progression, funding or discipline. It orders who is asked first how they are.",
)

INTERVAL: Final = (
    "In nine classes of ten, the share lost among 200 enrolments with this probability should lie between these bounds."
    " They are as far apart as whole offerings differ from what their probabilities say, learned from models that had"
    " not seen the offering's term. They say nothing of one student's fate, and a smaller class varies more."
)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where building stands: what is being done, and how much of it."""

    doing: str
    done: int
    total: int


Say = Callable[[Progress], None]


async def build_model(
    session: AsyncSession,
    *,
    train_on: Sequence[Offering],
    judge_on: Sequence[Offering],
    attribution: str,
    command: str,
    say: Say,
) -> TrainedModel:
    """Train on whole ended offerings and judge on others that began later.

    Without any to judge on, the metrics are those of the enrolments held out for calibration. Raises
    NothingToTrainOnError.
    """
    if not train_on:
        raise NothingToTrainOnError
    known = await read_snapshots(
        session, offerings=train_on, say=lambda done, total: say(Progress("Reading what was known", done, total))
    )
    say(Progress("Training", 0, 1))
    predictor, held_out = fit_predictor(known)
    say(Progress("Training", 1, 1))
    if judge_on:
        judged = await read_snapshots(
            session, offerings=judge_on, say=lambda done, total: say(Progress("Judging", done, total))
        )
        evaluation = "On later terms than those it was trained on: " + _terms(judge_on)
    else:
        judged = known.where(held_out)
        evaluation = (
            "On the enrolments held out for calibration; the booster has seen them, so these figures flatter it"
        )
    card = _card(known, judged, predictor, evaluation, train_on, attribution, command)
    return TrainedModel(version_now(), card, predictor.calibration, artifact_of(predictor.booster))


def _card(
    known: Snapshots,
    judged: Snapshots,
    predictor: RiskPredictor,
    evaluation: str,
    offerings: Sequence[Offering],
    attribution: str,
    command: str,
) -> ModelCard:
    probability = predictor.calibration.probability(margins(predictor.booster, judged), judged.elapsed)
    return ModelCard(
        purpose="To help advisors and lecturers decide whom to ask first, while there is time to help.",
        target="The enrolment ends in fail or withdrawal.",
        data="Activity by day, coursework, marks, registration and prior education of ended offerings, as of several"
        " weeks of each.",
        attribution=attribution,
        trained_on=tuple(sorted(_name(offering) for offering in offerings)),
        first_day=min(offering.starts_on for offering in offerings),
        last_day=max(offering.ends_on for offering in offerings),
        enrollments=len(np.unique(known.enrollment)),
        snapshots=len(known.lost),
        weeks=WEEKS,
        trained_at=now(),
        algorithm="Gradient boosted trees (CatBoost), calibrated by a line in log-odds that depends on the stage",
        parameters=PARAMETERS,
        libraries={name: metadata.version(name) for name in ("catboost", "numpy", "scikit-learn")}
        | {"python": platform.python_version()},
        features=len(FEATURE_NAMES),
        excluded=EXCLUDED,
        assumptions=ASSUMPTIONS,
        evaluation=evaluation,
        metrics=metrics_by_week(judged, probability),
        calibration=calibration_bins(judged.lost, probability),
        interval=INTERVAL,
        limits=LIMITS,
        command=command,
    )


def metrics_by_week(judged: Snapshots, probability: npt.NDArray[np.float64]) -> tuple[WeekMetrics, ...]:
    """The figures of every week in which both outcomes occur."""
    weeks = [int(week) for week in np.unique(judged.week)]
    chosen = ((week, judged.week == week) for week in weeks)
    return tuple(
        week_metrics(week, judged.lost[rows], probability[rows])
        for week, rows in chosen
        if 0 < judged.lost[rows].mean() < 1
    )


def _name(offering: Offering) -> str:
    return f"{offering.unit.code} {offering.term.code}"


def _terms(offerings: Sequence[Offering]) -> str:
    return ", ".join(sorted({offering.term.code for offering in offerings}))
