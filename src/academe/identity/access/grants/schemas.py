"""What programs send and get about roles."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from academe.identity.types import Role


class GrantIn(BaseModel):
    """Who is to hold which role where, from when (today) until when (open); both days inclusive."""

    person_id: UUID
    org_unit_id: UUID
    role: Role
    starts_on: date | None = None
    ends_on: date | None = None


class EndIn(BaseModel):
    """The last day of a role."""

    last_day: date | None = Field(None, description="Yesterday when left out, so that it ends at once.")


class GrantOut(BaseModel):
    """A role held at a node."""

    id: UUID
    person_id: UUID
    person: str
    role: Role
    org_unit_id: UUID
    org_unit: str
    starts_on: date
    ends_on: date | None
    given_by: str | None
    state: str
