"""HTML forms of roles."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel

from academe.identity.types import Role


class GrantForm(BaseModel):
    """Who is to hold which role where, and when."""

    person_id: UUID
    org_unit_id: UUID
    role: Role
    starts_on: date | None = None
    ends_on: date | None = None


class EndForm(BaseModel):
    """The last day of a role; without it, it ends at once."""

    last_day: date | None = None
