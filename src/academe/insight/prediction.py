"""A risk model in memory: probabilities, intervals and exact contributions for rows of features."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from catboost import CatBoostClassifier, EFstrType, Pool

from academe.insight.calibration import Calibration
from academe.insight.features.catalog import FEATURE_NAMES, THEME_OF, Theme
from academe.insight.models import RiskModel
from academe.platform.errors import ConflictError

Features = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

THEMES: Final = tuple(Theme)
ELAPSED: Final = FEATURE_NAMES.index("course_elapsed")

# One row of ones and zeros per feature: a product with it adds contributions up within themes.
_BY_THEME: Final = np.array([[THEME_OF[name] is theme for theme in THEMES] for name in FEATURE_NAMES], dtype=float)


class ModelMismatchError(ConflictError):
    """The model was trained on other features than this version computes."""

    title = "The active risk model does not fit this version of Academe; train a new one"


@dataclass(frozen=True, slots=True)
class Predictions:
    """One row for each row of features, in the same order.

    `contributions` has a column for each of `THEMES`, in calibrated log-odds; with `baseline` they add up to the
    log-odds of `probability`, exactly but for rounding.
    """

    probability: Numbers
    lower: Numbers
    upper: Numbers
    baseline: Numbers
    contributions: Numbers


@dataclass(frozen=True, slots=True)
class RiskPredictor:
    """A booster and its calibration."""

    booster: CatBoostClassifier
    calibration: Calibration

    @classmethod
    def of(cls, model: RiskModel) -> "RiskPredictor":
        """Load a registered model; raises ModelMismatchError when its features are not today's."""
        if tuple(model.features) != FEATURE_NAMES:
            raise ModelMismatchError
        return cls.loaded(bytes(model.artifact), Calibration.model_validate(model.calibration))

    @classmethod
    def loaded(cls, artifact: bytes, calibration: Calibration) -> "RiskPredictor":
        """Load a booster from CatBoost's binary format."""
        booster = CatBoostClassifier()
        booster.load_model(blob=artifact)
        return cls(booster, calibration)

    def predict(self, features: Features, *, threads: int = -1) -> Predictions:
        """Score rows of `FEATURE_NAMES` (float32, NaN where empty), with contributions by TreeSHAP.

        Contributions: Lundberg et al. (2020), doi 10.1038/s42256-019-0138-9; exact for trees. -1 threads: all cores.
        """
        values: Any = self.booster.get_feature_importance(
            Pool(features), type=EFstrType.ShapValues, thread_count=threads
        )
        elapsed = features[:, ELAPSED].astype(float)
        margin = values.sum(axis=1)
        scale = self.calibration.scale(elapsed)
        probability = self.calibration.probability(margin, elapsed)
        lower, upper = self.calibration.interval(probability)
        contributions = scale[:, None] * (values[:, :-1] @ _BY_THEME)
        baseline = self.calibration.log_odds(margin, elapsed) - contributions.sum(axis=1)
        return Predictions(probability, lower, upper, baseline, contributions)
