"""Forms of the roster."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from academe.academics.roster.service import LONGEST_REASON


class EnrolForm(BaseModel):
    """Who is enrolled, and from when."""

    student_number: str = Field(max_length=100)
    effective_on: date | None = None
    reason: str = Field("", max_length=LONGEST_REASON)


class WithdrawForm(BaseModel):
    """Why a student leaves, and when."""

    reason: str = Field(max_length=LONGEST_REASON)
    effective_on: date | None = None


class DecisionForm(BaseModel):
    """Whether a request is granted."""

    decision: Literal["approve", "reject"]
    reason: str = Field("", max_length=LONGEST_REASON)
