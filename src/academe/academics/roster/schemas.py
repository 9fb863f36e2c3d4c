"""What programs send and get about a roster."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from academe.academics.types import EnrollmentStatus


class RosterItemOut(BaseModel):
    """A student in an offering; documents what PostgreSQL builds and is never made here."""

    id: UUID
    student_id: UUID
    number: str
    name: str
    status: EnrollmentStatus
    enrolled_on: date | None
    withdrawn_on: date | None
    attendance: float | None = Field(description="Share of meetings attended, of those not excused; 0 to 1.")
    is_restricted: bool = Field(description="The data are kept and not used (GDPR, article 18).")


class EnrolIn(BaseModel):
    """Who is to be enrolled, from when, and why if that should be kept."""

    student_number: str = Field(min_length=1, max_length=100)
    effective_on: date | None = None
    reason: str = Field("", max_length=500)


class EnrollmentStepIn(BaseModel):
    """The next step of an enrolment: the student leaves, or the request is decided."""

    status: Literal["withdrawn", "enrolled", "rejected"]
    reason: str = Field("", max_length=500)
    effective_on: date | None = Field(None, description="For a withdrawal; today when left out.")


class EnrollmentOut(BaseModel):
    """An enrolment as it stands now."""

    id: UUID
    student_id: UUID
    offering_id: UUID
    status: EnrollmentStatus
    enrolled_on: date | None
    withdrawn_on: date | None
