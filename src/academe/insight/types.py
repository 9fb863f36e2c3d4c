"""Closed vocabularies of insight."""

from enum import StrEnum
from typing import Final

from academe.academics.types import EDUCATION_LEVELS


class RiskBand(StrEnum):
    """How urgent a score is; the policy in `docs/domain/risk-bands.md` gives the probabilities that bound them."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class ModelStatus(StrEnum):
    """Where a risk model stands; only an active model scores."""

    CANDIDATE = "candidate"
    ACTIVE = "active"
    RETIRED = "retired"


BAND_FLOORS: Final = ((0.75, RiskBand.CRITICAL), (0.50, RiskBand.HIGH), (0.25, RiskBand.MEDIUM), (0.0, RiskBand.LOW))
"""The least probability of each band; the policy and its reasons are in `docs/domain/risk-bands.md`."""


def band_of(probability: float) -> RiskBand:
    """The band of a calibrated probability between 0 and 1."""
    return next(band for floor, band in BAND_FLOORS if probability >= floor)


PROTECTED_ATTRIBUTES: Final = (
    "gender",
    "ethnicity",
    "socioeconomic_status",
    "special_education_status",
    "english_learner_status",
    "age_band",
    "region",
)
"""Columns of `StudentProtectedAttributes` by which a model's fairness is audited, and which no model ever sees."""

AUDITED_ATTRIBUTES: Final = (*PROTECTED_ATTRIBUTES, "prior_education_level")
"""What audits group by: the protected attributes, and a feature that often stands in for them."""

SMALLEST_GROUP: Final = 30
"""Smaller groups are left out of audits: their figures would be noise, and might point at persons."""


_GROUP_NAMES: Final = {
    ("gender", "F"): "female",
    ("gender", "M"): "male",
    ("special_education_status", "N"): "none declared",
    ("special_education_status", "Y"): "declared",
}


def group_name(attribute: str, group: str) -> str:
    """The words for a group: those for its code, the name of its level of education, or its value."""
    if attribute == "prior_education_level":
        return EDUCATION_LEVELS[int(group)]
    return _GROUP_NAMES.get((attribute, group), group)
