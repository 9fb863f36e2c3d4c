"""Training: snapshots of ended offerings, a booster, and its calibration on enrolments it has not seen."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
import polars as pl
from catboost import CatBoostClassifier, Pool
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import Enrollment, Offering
from academe.academics.types import Outcome
from academe.insight.calibration import Calibration, shift_of, spread_of
from academe.insight.features.catalog import FEATURE_NAMES
from academe.insight.features.reading import read_features
from academe.insight.prediction import ELAPSED, RiskPredictor
from academe.platform.errors import InvalidInputError

WEEKS: Final = (2, 3, 4, 6, 8, 10, 12, 16, 20, 26, 32)
"""Weeks of the offering at which training looks at every enrolment; between them, the booster interpolates."""

LOST: Final = (Outcome.FAIL, Outcome.WITHDRAWN)

PARAMETERS: Final[dict[str, float | int | str]] = {
    "iterations": 700,
    "learning_rate": 0.06,
    "depth": 5,
    "l2_leaf_reg": 30,
    "rsm": 0.3,
    "bootstrap_type": "Bernoulli",
    "subsample": 0.5,
    "border_count": 64,
    "random_seed": 1,
}
"""Chosen on grouped folds; `docs/decisions/risk-model.md` says against what."""

EARLY_WEEK: Final = 4
EARLY_WEIGHT: Final = 2.0
"""Snapshots up to week 4 count double: there is most time to help, and least that tells students apart."""

FOLDS: Final = 5

UNKNOWN_SPREAD: Final = 0.5
"""Where only one offering was ever taught: more than the Open University's 22 differ by."""


class NothingToTrainOnError(InvalidInputError):
    """There are no ended offerings with outcomes of both kinds."""

    title = "There is nothing to train on: no ended offerings with outcomes"


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Enrolments as they stood at some weeks. All arrays have a row for each snapshot.

    `features` is float32 in the order of `FEATURE_NAMES`; `lost` is 1.0 for fail or withdrawal; `student` and
    `enrollment` number the students and enrolments, `unit` the units; `starts_on` is the start of the offering.
    """

    features: npt.NDArray[np.float32]
    lost: npt.NDArray[np.float64]
    week: npt.NDArray[np.int64]
    student: npt.NDArray[np.int64]
    enrollment: npt.NDArray[np.int64]
    starts_on: npt.NDArray[np.datetime64]
    unit: npt.NDArray[np.int64]

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Snapshots":
        """The snapshots that are chosen."""
        return Snapshots(
            self.features[chosen],
            self.lost[chosen],
            self.week[chosen],
            self.student[chosen],
            self.enrollment[chosen],
            self.starts_on[chosen],
            self.unit[chosen],
        )

    @property
    def elapsed(self) -> npt.NDArray[np.float64]:
        """The share of the offering that has passed, by snapshot."""
        return self.features[:, ELAPSED].astype(float)

    def offerings_by_week(self) -> Iterator[npt.NDArray[np.bool_]]:
        """The rows of each unit in each term, as of each week."""
        cells = np.column_stack([self.unit, self.starts_on.astype(np.int64), self.week])
        for cell in np.unique(cells, axis=0):
            yield (cells == cell).all(axis=1)

    def folds(self) -> Iterator[npt.NDArray[np.bool_]]:
        """The test rows of each of five folds; all snapshots of a student are in the same one."""
        of_student = np.random.default_rng(7).integers(0, FOLDS, int(self.student.max()) + 1)
        for fold in range(FOLDS):
            yield of_student[self.student] == fold


async def read_snapshots(
    session: AsyncSession,
    *,
    offerings: Sequence[Offering],
    weeks: Sequence[int] = WEEKS,
    say: Callable[[int, int], None] = lambda _done, _total: None,
) -> Snapshots:
    """The snapshots of offerings whose outcomes are known; `say` is told how many weeks of how many are read.

    Raises NothingToTrainOnError.
    """
    frames = []
    for done, week in enumerate(weeks):
        say(done, len(weeks))
        under_way = [offering for offering in offerings if day_of(offering, week) < offering.ends_on]
        if under_way:
            scope = {offering.id: day_of(offering, week) for offering in under_way}
            frames.append((await read_features(session, scope=scope)).with_columns(week=pl.lit(week)))
    say(len(weeks), len(weeks))
    outcomes = await _outcomes(session, [offering.id for offering in offerings])
    if not frames or outcomes["lost"].n_unique() < 2:
        raise NothingToTrainOnError
    starts = pl.DataFrame(
        {
            "offering_id": [str(offering.id) for offering in offerings],
            "unit_id": [str(offering.unit_id) for offering in offerings],
            "starts_on": [offering.starts_on for offering in offerings],
        }
    )
    rows = (
        pl.concat(frames)
        .join(outcomes, on="enrollment_id")
        .join(starts, on="offering_id")
        .sort("week", "student_id", "enrollment_id")
    )
    return Snapshots(
        features=rows.select(FEATURE_NAMES).to_numpy(order="c"),
        lost=rows["lost"].to_numpy().astype(float),
        week=rows["week"].to_numpy().astype(np.int64),
        student=rows["student_id"].rank("dense").to_numpy().astype(np.int64),
        enrollment=rows["enrollment_id"].rank("dense").to_numpy().astype(np.int64),
        starts_on=rows["starts_on"].to_numpy(),
        unit=rows["unit_id"].rank("dense").to_numpy().astype(np.int64),
    )


def day_of(offering: Offering, week: int) -> date:
    """The day as of which a week is judged: `7 * week` days after the start."""
    return offering.starts_on + timedelta(days=7 * week)


async def _outcomes(session: AsyncSession, offerings: Sequence[UUID]) -> pl.DataFrame:
    statement = select(Enrollment.id, Enrollment.outcome).where(
        Enrollment.offering_id.in_(offerings), Enrollment.outcome.is_not(None)
    )
    rows = (await session.execute(statement)).all()
    return pl.DataFrame(
        {"enrollment_id": [str(row.id) for row in rows], "lost": [row.outcome in LOST for row in rows]},
        schema={"enrollment_id": pl.String, "lost": pl.Boolean},
    )


def fit_booster(snapshots: Snapshots, *, threads: int = -1) -> CatBoostClassifier:
    """Train a booster; the same snapshots and number of threads give the same booster."""
    booster = CatBoostClassifier(
        **PARAMETERS, verbose=False, allow_writing_files=False, thread_count=threads, allow_const_label=False
    )
    weight = np.where(snapshots.week <= EARLY_WEEK, EARLY_WEIGHT, 1.0)
    return booster.fit(Pool(snapshots.features, snapshots.lost, weight=weight, feature_names=list(FEATURE_NAMES)))


def margins(booster: CatBoostClassifier, snapshots: Snapshots) -> npt.NDArray[np.float64]:
    """The booster's log-odds before calibration."""
    return np.asarray(booster.predict(snapshots.features, prediction_type="RawFormulaVal"))


def calibrate(margin: npt.NDArray[np.float64], held_out: Snapshots, *, spread: float) -> Calibration:
    """A calibration from the margins of snapshots that the booster has not seen."""
    return Calibration.fit(margin, held_out.elapsed, held_out.lost, spread=spread)


def fit_predictor(snapshots: Snapshots) -> tuple[RiskPredictor, npt.NDArray[np.bool_]]:
    """A booster of all snapshots, calibrated on a fifth of the students as a booster of the others sees them.

    Calibrating on the latest term instead was worse: terms that begin in another season lose another share of their
    students (`docs/decisions/risk-model.md`). Returns the predictor and which rows were held out.
    """
    held_out = next(snapshots.folds())
    known, unseen = snapshots.where(~held_out), snapshots.where(held_out)
    calibration = calibrate(margins(fit_booster(known), unseen), unseen, spread=offering_spread(snapshots))
    return RiskPredictor(fit_booster(snapshots), calibration), held_out


def offering_spread(snapshots: Snapshots) -> float:
    """By how much log-odds of whole offerings differ from what happens, seen from offerings that came in other terms.

    Leaves out one term at a time, or one unit where there is only one term, and moves the log-odds of every offering
    of it, week by week, to what became of it.
    """
    left_out = snapshots.starts_on if len(np.unique(snapshots.starts_on)) > 1 else snapshots.unit
    if len(np.unique(left_out)) == 1:
        return UNKNOWN_SPREAD
    shifts: list[tuple[float, float]] = []
    for one in np.unique(left_out):
        known, unseen = snapshots.where(left_out != one), snapshots.where(left_out == one)
        if len(np.unique(known.lost)) < 2:
            continue
        margin = margins(fit_booster(known), unseen)
        shifts += [
            shift_of(margin[rows], unseen.lost[rows])
            for rows in unseen.offerings_by_week()
            if 0 < unseen.lost[rows].mean() < 1
        ]
    return spread_of(shifts) if shifts else UNKNOWN_SPREAD
