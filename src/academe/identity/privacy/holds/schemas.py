"""JSON of legal holds."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field


class HoldIn(BaseModel):
    """Why the records are kept, and through which day; open without one."""

    reason: str = Field(min_length=1, max_length=1000)
    until: date | None = None


class HoldOut(BaseModel):
    """A hold in force."""

    id: UUID
    person_id: UUID
    reason: str
    until: date | None
    placed_by: UUID | None
    created_at: datetime
