"""`academe benchmark oulad`: how good the predictions are, beside simpler ones, out of sample and in a later term.

(a) five folds grouped by student: no student is in both training and test; each fold is calibrated on the margins of
the other folds. (b) trained on 2013B, 2013J and 2014B and tested on 2014J. Only enrolments still registered on the day
count.

Beside the model: a rule (no visit for seven days), the share that the unit lost in training, and a logistic regression
on the same features.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from academe.insight.calibration import GROUP
from academe.insight.features.catalog import FEATURE_NAMES
from academe.insight.metrics import calibration_error, precision_and_recall_at
from academe.insight.training import WEEKS, Snapshots, calibrate, fit_booster, fit_predictor, margins, read_snapshots
from benchmarks.framework import Context, Measure, absolute
from benchmarks.oulad_database import ACTOR, offerings_of, oulad_database

Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

JUDGED: Final = (2, 4, 6, 8, 12, 16, 20)
LATER: Final = np.datetime64(date(2014, 10, 1))
AUC_AT_LEAST: Final[Mapping[str, Mapping[int, float]]] = {
    "a": {4: 0.785, 8: 0.835, 12: 0.860, 20: 0.915},
    "b": {4: 0.738, 8: 0.798, 12: 0.831, 20: 0.884},
}
ERROR_AT_MOST: Final[Mapping[str, float]] = {"a": 0.03, "b": 0.05}
DAYS_AWAY: Final = 7


def measure(context: Context) -> Sequence[Measure]:
    """The measures of both settings, week by week."""
    snapshots = asyncio.run(_snapshots(context))
    return [*_measures("a", snapshots, _by_folds(snapshots, context)), *_later(snapshots, context)]


async def _snapshots(context: Context) -> Snapshots:
    async with oulad_database(context) as database, database.reading(ACTOR, timeout_seconds=0) as session:
        context.say("Computing features week by week")
        return await read_snapshots(session, offerings=await offerings_of(session), weeks=WEEKS)


def _by_folds(snapshots: Snapshots, context: Context) -> dict[str, Numbers]:
    margin = np.zeros(len(snapshots.lost))
    predicted = {name: np.zeros(len(snapshots.lost)) for name in ("model", "base rate", "logistic regression", "rule")}
    folds = list(snapshots.folds())
    for number, test in enumerate(folds, start=1):
        context.say(f"Setting (a), fold {number} of {len(folds)}")
        training, tested = snapshots.where(~test), snapshots.where(test)
        margin[test] = margins(fit_booster(training), tested)
        for name, values in _simpler(training, tested):
            predicted[name][test] = values
    for test in folds:
        calibration = calibrate(margin[~test], snapshots.where(~test), spread=0.0)
        predicted["model"][test] = calibration.probability(margin[test], snapshots.elapsed[test])
    return predicted


def _later(snapshots: Snapshots, context: Context) -> Iterator[Measure]:
    context.say("Setting (b): trained on 2013B, 2013J and 2014B, tested on 2014J")
    later = snapshots.starts_on == LATER
    training, tested = snapshots.where(~later), snapshots.where(later)
    predictor, _ = fit_predictor(training)
    probability = predictor.calibration.probability(margins(predictor.booster, tested), tested.elapsed)
    yield from _measures("b", tested, {"model": probability, **dict(_simpler(training, tested))})
    lower, upper = predictor.calibration.interval(probability)
    held = [
        bool(lower[group].mean() <= tested.lost[group].mean() <= upper[group].mean())
        for rows in tested.offerings_by_week()
        for group in _like(np.flatnonzero(rows), probability)
    ]
    yield absolute("(b) groups of an offering whose share lies in the 90 % interval", float(np.mean(held)), "")


def _like(rows: Indices, probability: Numbers) -> list[Indices]:
    """The rows in groups of about as many as an interval speaks of, those with like probabilities together."""
    ordered = rows[np.argsort(probability[rows], kind="stable")]
    return np.array_split(ordered, max(1, round(len(rows) / GROUP)))


def _simpler(training: Snapshots, tested: Snapshots) -> Iterator[tuple[str, Numbers]]:
    away = FEATURE_NAMES.index("days_since_visit")
    yield "rule", (tested.features[:, away] > DAYS_AWAY).astype(float)
    rates = {unit: training.lost[training.unit == unit].mean() for unit in np.unique(training.unit)}
    whole = training.lost.mean()
    yield "base rate", np.array([rates.get(unit, whole) for unit in tested.unit])
    values = np.zeros(len(tested.lost))
    for week in JUDGED:
        rows = tested.week == week
        known = training.where(training.week == week)
        fitted = _regression().fit(known.features, known.lost)
        values[rows] = fitted.predict_proba(tested.features[rows])[:, 1]
    yield "logistic regression", values


def _regression() -> Pipeline:
    # Empty values become the median, with a column that says so.
    imputer = SimpleImputer(strategy="median", add_indicator=True)
    return make_pipeline(imputer, StandardScaler(), LogisticRegression(C=0.01, max_iter=300))


def _measures(setting: str, snapshots: Snapshots, predicted: Mapping[str, Numbers]) -> Iterator[Measure]:
    for week in JUDGED:
        rows = snapshots.week == week
        for name, probability in predicted.items():
            yield from _figures(setting, week, name, snapshots.lost[rows], probability[rows])


def _figures(setting: str, week: int, name: str, lost: Numbers, probability: Numbers) -> Iterator[Measure]:
    label = f"({setting}) week {week}, {name}"
    judged = name == "model"
    auc = AUC_AT_LEAST[setting].get(week) if judged else None
    error = ERROR_AT_MOST[setting] if judged else None
    yield absolute(f"{label}: AUC", float(roc_auc_score(lost, probability)), "", "at least", auc)
    yield absolute(f"{label}: calibration error", calibration_error(lost, probability), "", "at most", error)
    yield absolute(f"{label}: Brier", float(brier_score_loss(lost, probability)), "")
    yield absolute(f"{label}: F1", float(f1_score(lost, probability >= 0.5, zero_division=0)), "")
    for share in (0.1, 0.2):
        precision, recall = precision_and_recall_at(lost, probability, share)
        yield absolute(f"{label}: precision in the top {share:.0%}", precision, "")
        yield absolute(f"{label}: recall in the top {share:.0%}", recall, "")
