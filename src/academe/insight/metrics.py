"""Figures that say how good predicted probabilities are."""

from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import brier_score_loss, roc_auc_score

from academe.insight.cards import CalibrationBin, WeekMetrics

Numbers = npt.NDArray[np.float64]

BINS: Final = 10


def calibration_bins(lost: Numbers, probability: Numbers) -> tuple[CalibrationBin, ...]:
    """Predicted and observed shares in ten bins of equal width; empty bins are left out."""
    chosen = np.minimum((probability * BINS).astype(int), BINS - 1)
    return tuple(
        CalibrationBin(
            predicted=float(probability[inside].mean()), observed=float(lost[inside].mean()), count=int(inside.sum())
        )
        for inside in (chosen == index for index in range(BINS))
        if inside.any()
    )


def calibration_error(lost: Numbers, probability: Numbers) -> float:
    """Expected calibration error over ten bins of equal width, weighted by their counts (Naeini et al. 2015)."""
    bins = calibration_bins(lost, probability)
    return sum(part.count * abs(part.predicted - part.observed) for part in bins) / len(lost)


def precision_and_recall_at(lost: Numbers, probability: Numbers, share: float) -> tuple[float, float]:
    """Among the `share` of enrolments with the highest probabilities: the part lost, and the part of all lost."""
    count = max(1, round(share * len(lost)))
    hits = float(lost[np.argsort(-probability, kind="stable")[:count]].sum())
    return hits / count, hits / max(1.0, float(lost.sum()))


def week_metrics(week: int, lost: Numbers, probability: Numbers) -> WeekMetrics:
    """All figures of one week. Both outcomes must occur, or ranking cannot be judged (ValueError)."""
    precision, recall = precision_and_recall_at(lost, probability, 0.1)
    return WeekMetrics(
        week=week,
        enrollments=len(lost),
        base_rate=float(lost.mean()),
        auc=float(roc_auc_score(lost, probability)),
        brier=float(brier_score_loss(lost, probability)),
        calibration_error=calibration_error(lost, probability),
        precision_top_tenth=precision,
        recall_top_tenth=recall,
    )
