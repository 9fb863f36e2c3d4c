"""Shapes of JSON of notifications."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from academe.messaging.types import NotificationKind


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
    """Where a kind is told; an essential kind always comes into the bell."""

    kind: NotificationKind
    in_bell: bool
    essential: bool


class PreferenceIn(BaseModel):
    """Where a kind shall be told."""

    kind: NotificationKind
    in_bell: bool
