"""Shapes of JSON of notifications."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from academe.messaging.types import EmailMode, NotificationKind

WallClock = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time without a zone and a day; the format `time` of JSON Schema wants a zone."""


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
    """When letters may come, in the caller's own time zone; quiet hours have both ends or none. Times are HH:MM."""

    time_zone: str = Field(max_length=100, description="A name of the IANA database, such as Europe/Berlin.")
    quiet_from: WallClock | None = None
    quiet_until: WallClock | None = None
    digest_at: WallClock = "07:00"
