"""Closed vocabularies of insight."""

from enum import StrEnum


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
