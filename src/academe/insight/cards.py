"""The model card: what a risk model was made from, how good it is, and what it must not be used for.

After Mitchell et al. (2019), Model Cards for Model Reporting, doi 10.1145/3287560.3287596: the sections that apply.
"""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WeekMetrics(_Part):
    """How good the predictions of one week were, on enrolments that training had not seen.

    `base_rate` is the share that was lost; `auc` the area under the ROC curve; `brier` the mean squared error;
    `calibration_error` the mean gap between predicted and observed shares over ten bins of equal width, weighted by
    their counts; precision and recall are those of the tenth with the highest probabilities.
    """

    week: int = Field(ge=0)
    enrollments: int = Field(ge=1)
    base_rate: float = Field(ge=0, le=1)
    auc: float = Field(ge=0, le=1)
    brier: float = Field(ge=0, le=1)
    calibration_error: float = Field(ge=0, le=1)
    precision_top_tenth: float = Field(ge=0, le=1)
    recall_top_tenth: float = Field(ge=0, le=1)


class CalibrationBin(_Part):
    """Enrolments with similar predictions: the mean prediction and the share that was lost."""

    predicted: float = Field(ge=0, le=1)
    observed: float = Field(ge=0, le=1)
    count: int = Field(ge=1)


class ModelCard(_Part):
    """The card of one model; every field is shown on its page."""

    purpose: str
    target: str
    data: str
    attribution: str
    trained_on: tuple[str, ...]
    first_day: date
    last_day: date
    enrollments: int
    snapshots: int
    weeks: tuple[int, ...]
    trained_at: datetime
    algorithm: str
    parameters: dict[str, float | int | str]
    libraries: dict[str, str]
    features: int
    excluded: tuple[str, ...]
    assumptions: tuple[str, ...]
    evaluation: str
    metrics: tuple[WeekMetrics, ...]
    calibration: tuple[CalibrationBin, ...]
    interval: str
    limits: tuple[str, ...]
    command: str
