"""JSON of restrictions."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from academe.identity.privacy.restriction.service import LONGEST


class RestrictionIn(BaseModel):
    """Why the data are not to be used, or may be used again."""

    reason: str = Field(min_length=1, max_length=LONGEST)


class RestrictionOut(BaseModel):
    """A restriction; in force until it was lifted."""

    id: UUID
    person_id: UUID
    reason: str
    placed_by: UUID | None
    created_at: datetime
    lifted_at: datetime | None
    lifted_by: UUID | None
    lift_reason: str | None
