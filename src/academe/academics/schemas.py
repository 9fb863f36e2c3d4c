"""What programs send and get about offerings."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from academe.academics.types import EnrollmentStatus, OfferingStatus, StaffRole


class OfferingOut(BaseModel):
    """An offering in a list; `students` counts those who take part."""

    id: UUID
    unit_code: str
    unit_title: str
    term_code: str
    term_title: str
    starts_on: date
    ends_on: date
    status: OfferingStatus
    students: int


class StaffOut(BaseModel):
    """Somebody who teaches or convenes an offering, from when until when (both days inclusive)."""

    id: UUID
    person_id: UUID
    name: str
    role: StaffRole
    starts_on: date
    ends_on: date | None


class NextMeetingOut(BaseModel):
    """The meeting that comes next."""

    id: UUID
    title: str
    starts_at: datetime
    room: str


class OfferingDetailOut(BaseModel):
    """An offering with its people and its next meeting."""

    id: UUID
    unit_code: str
    unit_title: str
    term_code: str
    term_title: str
    starts_on: date
    ends_on: date
    status: OfferingStatus
    capacity: int | None
    staff: list[StaffOut]
    enrollments: dict[EnrollmentStatus, int] = Field(description="How many enrolments stand where.")
    next_meeting: NextMeetingOut | None


class StaffIn(BaseModel):
    """Who teaches as what, from when (today) until when (open); both days inclusive."""

    person_id: UUID
    role: StaffRole
    starts_on: date | None = None
    ends_on: date | None = None
