"""JSON of rectification."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from academe.identity.privacy.rectification.service import LONGEST
from academe.identity.privacy.rectification.types import RectificationStatus, RectifiedField


class RectificationIn(BaseModel):
    """What is wrong, what it should say, and why."""

    field: RectifiedField
    wanted: str = Field(min_length=1, max_length=LONGEST)
    reason: str = Field(min_length=1, max_length=LONGEST)


class DecisionIn(BaseModel):
    """Whether the record is corrected; a decline needs an answer."""

    accept: bool
    answer: str = Field("", max_length=LONGEST)


class RectificationOut(BaseModel):
    """A request and what became of it; texts are null once the person is erased."""

    id: UUID
    created_at: datetime
    person_id: UUID
    field: RectifiedField
    wanted: str | None
    reason: str | None
    status: RectificationStatus
    answer: str | None
    decided_at: datetime | None
