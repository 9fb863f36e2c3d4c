"""From the booster's margin to a probability with an interval, fitted on enrolments that training had not seen."""

from typing import Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression

Numbers = npt.NDArray[np.float64]

BINS: Final = 30
COVERAGE: Final = 0.9


class IntervalBin(BaseModel):
    """Held-out enrolments with probabilities up to `upto`: the interval of the share that was lost among them."""

    model_config = ConfigDict(frozen=True)

    upto: float
    lower: float
    upper: float
    enrollments: int


class Calibration(BaseModel):
    """A line in log-odds whose slope and height depend on how far the offering has come, and intervals by bin.

    margin' = (slope + slope_elapsed * e) * margin + intercept + intercept_elapsed * e, with e the elapsed share
    (Platt 1999, with the stage added). Being a line for every row, it keeps contributions additive.
    """

    model_config = ConfigDict(frozen=True)

    slope: float
    slope_elapsed: float
    intercept: float
    intercept_elapsed: float
    bins: tuple[IntervalBin, ...]

    @classmethod
    def fit(cls, margin: Numbers, elapsed: Numbers, lost: Numbers, enrollment: npt.NDArray[np.int64]) -> Self:
        """Fit on held-out rows; `enrollment` numbers the enrolment of each row, since one stands in several weeks."""
        columns = np.column_stack([margin, elapsed, margin * elapsed])
        fitted = LogisticRegression(C=1e6, max_iter=1000).fit(columns, lost)
        slope, intercept_elapsed, slope_elapsed = (float(value) for value in fitted.coef_[0])
        if min(slope, slope + slope_elapsed) <= 0:  # an order turned round would not be a calibration
            slope_elapsed = 0.0
            fitted = LogisticRegression(C=1e6, max_iter=1000).fit(columns[:, :2], lost)
            slope, intercept_elapsed = (float(value) for value in fitted.coef_[0])
        line = cls(
            slope=slope,
            slope_elapsed=slope_elapsed,
            intercept=float(fitted.intercept_[0]),
            intercept_elapsed=intercept_elapsed,
            bins=(),
        )
        return line.model_copy(update={"bins": _bins(line.probability(margin, elapsed), lost, enrollment)})

    def scale(self, elapsed: Numbers) -> Numbers:
        """The factor that turns contributions to the margin into contributions to the calibrated log-odds."""
        return self.slope + self.slope_elapsed * elapsed

    def log_odds(self, margin: Numbers, elapsed: Numbers) -> Numbers:
        """Calibrated log-odds."""
        return self.scale(elapsed) * margin + self.intercept + self.intercept_elapsed * elapsed

    def probability(self, margin: Numbers, elapsed: Numbers) -> Numbers:
        """Calibrated probability."""
        return np.asarray(1.0 / (1.0 + np.exp(-self.log_odds(margin, elapsed))))

    def interval(self, probability: Numbers) -> tuple[Numbers, Numbers]:
        """Lower and upper bound for each probability; the probability itself always lies between them."""
        index = np.searchsorted([part.upto for part in self.bins[:-1]], probability)
        lower = np.array([part.lower for part in self.bins])[index]
        upper = np.array([part.upper for part in self.bins])[index]
        return np.minimum(lower, probability), np.maximum(upper, probability)


def _bins(probability: Numbers, lost: Numbers, enrollment: npt.NDArray[np.int64]) -> tuple[IntervalBin, ...]:
    """Bins of equal counts with Jeffreys' interval (Brown, Cai and DasGupta 2001, section 4.3).

    The rows of one enrolment are not independent: the interval counts enrolments, not rows.
    """
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, min(BINS, len(order)))
    tail = (1 - COVERAGE) / 2
    bins = []
    for part in parts:
        count = len(np.unique(enrollment[part]))
        losses = float(lost[part].mean()) * count
        bounds = beta.ppf([tail, 1 - tail], losses + 0.5, count - losses + 0.5)
        bins.append(
            IntervalBin(
                upto=float(probability[part[-1]]), lower=float(bounds[0]), upper=float(bounds[1]), enrollments=count
            )
        )
    return tuple(bins)
