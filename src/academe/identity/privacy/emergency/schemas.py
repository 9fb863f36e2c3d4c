"""JSON of access in an emergency."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from academe.identity.privacy.emergency.service import LONGEST_REASON, SHORTEST_REASON


class OpeningIn(BaseModel):
    """Why the record must be read now."""

    reason: str = Field(min_length=SHORTEST_REASON, max_length=LONGEST_REASON)


class OpeningOut(BaseModel):
    """An opening as who made it sees it."""

    id: UUID
    person_id: UUID
    reason: str
    opened_at: datetime
    until: datetime
    closed_at: datetime | None


class ReviewIn(BaseModel):
    """What the auditor thinks of it."""

    note: str = Field(min_length=1, max_length=LONGEST_REASON)


class AuditedOpeningOut(OpeningOut):
    """An opening as auditors see it; `runs`: the record is open at this moment."""

    runs: bool
    opened_by: UUID
    opener: str
    person: str
    reviewed_at: datetime | None
    reviewer: str | None
    review_note: str | None
