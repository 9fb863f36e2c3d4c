"""HTML forms of guardians."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel


class GuardianForm(BaseModel):
    """Who is to be a guardian, and when."""

    guardian_id: UUID
    starts_on: date | None = None
    ends_on: date | None = None
