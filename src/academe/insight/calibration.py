"""From the booster's margin to a probability with an interval, fitted on what training had not seen."""

import math
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

Numbers = npt.NDArray[np.float64]

COVERAGE: Final = 0.9

FARTHEST: Final = 50.0
"""Log-odds beyond anything that happens: the bounds within which a shift is sought."""

GROUP: Final = 200
"""An interval is about the share lost among this many like enrolments of one offering; fewer would vary more."""


class Calibration(BaseModel):
    """A line in log-odds whose slope and height depend on how far the offering has come, and how far offerings differ.

    margin' = (slope + slope_elapsed * e) * margin + intercept + intercept_elapsed * e, with e the elapsed share
    (Platt 1999, with the stage added). Being a line for every row, it keeps contributions additive.

    `spread` is the standard deviation, in log-odds, of the shift of a whole offering against its probabilities.
    """

    model_config = ConfigDict(frozen=True)

    slope: float
    slope_elapsed: float
    intercept: float
    intercept_elapsed: float
    spread: float

    @classmethod
    def fit(cls, margin: Numbers, elapsed: Numbers, lost: Numbers, *, spread: float) -> Self:
        """Fit the line on held-out rows; `spread` comes from offerings that the booster had not seen."""
        columns = np.column_stack([margin, elapsed, margin * elapsed])
        fitted = LogisticRegression(C=1e6, max_iter=1000).fit(columns, lost)
        slope, intercept_elapsed, slope_elapsed = (float(value) for value in fitted.coef_[0])
        if min(slope, slope + slope_elapsed) <= 0:  # an order turned round would not be a calibration
            slope_elapsed = 0.0
            fitted = LogisticRegression(C=1e6, max_iter=1000).fit(columns[:, :2], lost)
            slope, intercept_elapsed = (float(value) for value in fitted.coef_[0])
        return cls(
            slope=slope,
            slope_elapsed=slope_elapsed,
            intercept=float(fitted.intercept_[0]),
            intercept_elapsed=intercept_elapsed,
            spread=spread,
        )

    def scale(self, elapsed: Numbers) -> Numbers:
        """The factor that turns contributions to the margin into contributions to the calibrated log-odds."""
        return self.slope + self.slope_elapsed * elapsed

    def log_odds(self, margin: Numbers, elapsed: Numbers) -> Numbers:
        """Calibrated log-odds."""
        return self.scale(elapsed) * margin + self.intercept + self.intercept_elapsed * elapsed

    def probability(self, margin: Numbers, elapsed: Numbers) -> Numbers:
        """Calibrated probability."""
        return _share(self.log_odds(margin, elapsed))

    def interval(self, probability: Numbers) -> tuple[Numbers, Numbers]:
        """Between what shares `COVERAGE` of the offerings lie, among `GROUP` enrolments with this probability.

        Normal in log-odds, with the variance between offerings and that of a share of so many:
        spread^2 + 1 / (GROUP p (1 - p)), as random effects are added in meta-analysis (DerSimonian and Laird 1986).
        """
        inside = np.clip(probability, 1e-9, 1 - 1e-9)
        middle = np.log(inside / (1 - inside))
        half = norm.ppf((1 + COVERAGE) / 2) * np.sqrt(self.spread**2 + 1 / (GROUP * inside * (1 - inside)))
        return np.minimum(_share(middle - half), probability), np.maximum(_share(middle + half), probability)


def shift_of(margin: Numbers, lost: Numbers) -> tuple[float, float]:
    """By how much log-odds must be moved to add up to the losses that happened, and the variance of that by chance.

    `lost` holds both zeros and ones.
    """
    shift = float(brentq(lambda move: _share(margin + move).sum() - lost.sum(), -FARTHEST, FARTHEST))
    moved = _share(margin + shift)
    return shift, float(1 / (moved * (1 - moved)).sum())


def spread_of(shifts: Sequence[tuple[float, float]]) -> float:
    """The standard deviation of shifts about zero, without the part that chance explains; the bias counts as spread."""
    return math.sqrt(max(0.0, sum(shift**2 - chance for shift, chance in shifts) / len(shifts)))


def _share(log_odds: Numbers) -> Numbers:
    return np.asarray(expit(log_odds))
