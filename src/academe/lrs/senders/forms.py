"""The form that adds a sender."""

from datetime import UTC, date, datetime, time
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from academe.lrs.senders.service import LONGEST_NAME
from academe.lrs.senders.types import Scope


class SenderForm(BaseModel):
    """A program that is to send; the last day counts to its end, in UTC."""

    name: str = Field(max_length=LONGEST_NAME)
    key: str | None = None
    scopes: list[Scope] = Field(default_factory=list)
    institution_id: UUID | None = None
    expires_on: date | None = None

    @field_validator("scopes", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @property
    def expires_at(self) -> datetime | None:
        """When the last day ends."""
        return datetime.combine(self.expires_on, time.max, UTC) if self.expires_on else None
