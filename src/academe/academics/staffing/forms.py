"""The form that appoints somebody."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel

from academe.academics.types import StaffRole


class StaffForm(BaseModel):
    """Who teaches as what, from when until when."""

    person_id: UUID
    role: StaffRole
    starts_on: date | None = None
    ends_on: date | None = None
