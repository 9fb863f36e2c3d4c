"""The worklist as programs get it."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from academe.insight.types import RiskBand
from academe.platform.http.pagination import Page


class WorklistItemOut(BaseModel):
    """A student in an offering with the score that holds on the day."""

    student_id: UUID
    enrollment_id: UUID
    offering_id: UUID
    number: str
    unit_code: str
    probability: float = Field(description="That the enrolment ends in fail or withdrawal, 0 to 1.")
    lower: float
    upper: float
    band: RiskBand
    scored_as_of: date
    reasons: list[str] = Field(description="Facts that speak for a higher risk, weightiest first; at most three.")
    history: list[float | None] = Field(description="Probabilities of the last eight weeks, oldest first.")
    change: float | None = Field(description="Difference to the score before.")
    last_visit: date | None


class WorklistOut(Page[WorklistItemOut]):
    """A page of the worklist; counts are those of the whole list, whichever band is asked for."""

    as_of: date | None = Field(description="The day whose end the list is about; null without an offering.")
    week: int | None = Field(description="That day as a week of teaching.")
    counts: dict[RiskBand, int]
