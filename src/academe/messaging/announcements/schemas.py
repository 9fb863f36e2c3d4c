"""Shapes of JSON of announcements."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from academe.messaging.announcements.service import LONGEST_BODY, LONGEST_TITLE
from academe.messaging.types import AnnouncementStatus

NOT_BLANK: Final = "[^\\s]"


class AudienceOut(BaseModel):
    """Some people whom the caller may address."""

    kind: str
    id: UUID
    label: str


class AnnouncementIn(BaseModel):
    """What is to be told, to whom and when; at once when `send_at` is left out."""

    audience_kind: str = Field(max_length=40)
    audience_id: UUID
    title: str = Field(pattern=NOT_BLANK, max_length=LONGEST_TITLE)
    body: str = Field(pattern=NOT_BLANK, max_length=LONGEST_BODY)
    send_at: AwareDatetime | None = None
    template_id: UUID | None = Field(None, description="The template around it, of kind `announcement`.")


class AnnouncementOut(BaseModel):
    """An announcement; `told` and `read` are counts, empty until it is sent."""

    id: UUID
    audience_kind: str
    audience_id: UUID
    audience_label: str
    title: str
    body: str
    send_at: datetime
    status: AnnouncementStatus
    sent_at: datetime | None
    told: int | None
    template_id: UUID | None
    read: int | None = None
