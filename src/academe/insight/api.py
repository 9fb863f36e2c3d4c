"""The door of insight."""

from academe.insight.keeping import KEPT
from academe.insight.registry import active_model, install_shipped_model
from academe.insight.rollup import rebuild_learner_days
from academe.insight.scoring import Scored, score_days, score_offerings

__all__ = [
    "KEPT",
    "Scored",
    "active_model",
    "install_shipped_model",
    "rebuild_learner_days",
    "score_days",
    "score_offerings",
]
