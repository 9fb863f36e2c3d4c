"""The form of an announcement."""

from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from academe.messaging.announcements.service import LONGEST_BODY, LONGEST_TITLE


class AnnouncementForm(BaseModel):
    """`audience` is the kind and the id, joined by a colon; the time is UTC."""

    audience: str = Field(pattern="^[a-z]+:[0-9a-f-]{36}$")
    title: str = Field(max_length=LONGEST_TITLE)
    body: str = Field(max_length=LONGEST_BODY)
    send_at: datetime | None = None
    template_id: UUID | None = None

    @field_validator("send_at")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value

    @property
    def audience_kind(self) -> str:
        """Its kind."""
        return self.audience.partition(":")[0]

    @property
    def audience_id(self) -> UUID:
        """Its id."""
        return UUID(self.audience.partition(":")[2])
