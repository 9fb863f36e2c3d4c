"""What programs send and get about guardians."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field


class GuardianIn(BaseModel):
    """Who is to be a guardian, from when (today) until when (open); both days inclusive."""

    guardian_id: UUID
    starts_on: date | None = None
    ends_on: date | None = None


class ConsentIn(BaseModel):
    """What the guardian may see."""

    parts: list[str] = Field(max_length=3, description="Of offerings, attendance, results; none takes it back.")


class GuardianshipOut(BaseModel):
    """A guardianship."""

    id: UUID
    guardian_id: UUID
    guardian: str
    student_id: UUID
    student: str
    starts_on: date
    ends_on: date | None
    needs_consent: bool
    seen: list[str] = Field(description="What the guardian may see today.")
