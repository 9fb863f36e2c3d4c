"""Shapes of JSON of notifications."""

from datetime import datetime, time
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from academe.messaging.types import EmailMode, NotificationKind


class NotificationOut(BaseModel):
    """One thing that the caller was told; `link` is a path of this installation or empty."""

    id: UUID
    kind: NotificationKind
    title: str
    body: str
    link: str
    created_at: datetime
    read_at: datetime | None


class UnreadOut(BaseModel):
    """How many notifications the caller has not read."""

    unread: int


class MarkedOut(BaseModel):
    """How many notifications were marked."""

    marked: int


class PreferenceOut(BaseModel):
    """Where a kind is told; an essential kind always comes into the bell and by e-mail."""

    kind: NotificationKind
    in_bell: bool
    email: EmailMode
    essential: bool


class PreferenceIn(BaseModel):
    """Where a kind shall be told."""

    kind: NotificationKind
    in_bell: bool
    email: EmailMode


class ScheduleBody(BaseModel):
    """When letters may come, in the caller's own time zone; quiet hours have both ends or none."""

    time_zone: str = Field(max_length=100, description="A name of the IANA database, such as Europe/Berlin.")
    quiet_from: time | None = None
    quiet_until: time | None = None
    digest_at: time = time(7)

    @field_validator("quiet_from", "quiet_until", "digest_at")
    @classmethod
    def _of_a_wall_clock(cls, value: time | None) -> time | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError("Please give the time without a zone; it is that of time_zone.")
        return value
