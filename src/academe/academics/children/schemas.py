"""What programs get about a child."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, Field

from academe.academics.types import AttendanceStatus, EnrollmentStatus


class ChildOut(BaseModel):
    """Somebody whom the caller looks after."""

    student_id: UUID
    student: str
    seen: list[str] = Field(description="The parts of the record that the caller may see.")


class TakenOfferingOut(BaseModel):
    """An offering that the child takes or took."""

    unit: str
    title: str
    term: str
    status: EnrollmentStatus


class PresenceOut(BaseModel):
    """Whether the child came to a meeting."""

    day: date
    unit: str
    meeting: str
    status: AttendanceStatus


class MarkOut(BaseModel):
    """The child's outcome on an assessment."""

    unit: str
    assessment: str
    score: Decimal | None
    max_score: Decimal
    marked_on: date | None


class ChildRecordOut(BaseModel):
    """A child's record, as far as it is seen."""

    link: ChildOut
    offerings: list[TakenOfferingOut]
    attendance: list[PresenceOut]
    results: list[MarkOut]
