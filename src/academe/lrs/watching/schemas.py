"""What programs get about the store and its statements."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field


class SenderRatesOut(BaseModel):
    """What a sender did. Statements of the last whole minute, the last hour and day; requests of the day."""

    id: UUID | None = Field(description="Null for requests whose credentials did not hold.")
    name: str
    statements_minute: int
    statements_hour: int
    statements_day: int
    requests_day: int
    refused_day: int = Field(description="Answered with 4xx: a fault of the sender's.")
    failed_day: int = Field(description="Answered with 5xx: a fault of ours.")


class MinuteOut(BaseModel):
    """Statements stored in a minute, and requests refused or failed."""

    minute: datetime
    statements: int
    errors: int


class MonthOut(BaseModel):
    """A month of storing; statements are PostgreSQL's estimate, null before it has one."""

    month: str
    statements: int | None
    rows_bytes: int
    all_bytes: int = Field(description="Rows, indexes and what is kept out of line.")


class FollowerOut(BaseModel):
    """Something that reads what is stored, and how far it is behind."""

    name: str
    position: datetime
    behind_seconds: float


class SpoolOut(BaseModel):
    """Acknowledged statements that wait for the database on the machine that answers."""

    statements: int
    since: datetime | None = Field(description="When the oldest of them came.")
    used_bytes: int
    limit_bytes: int = Field(description="0 where the spool is off.")
    damaged: int = Field(description="Files with parts that cannot be read.")


class FiguresOut(BaseModel):
    """What the store does at a moment; counts are up to some seconds old."""

    at: datetime
    senders: Sequence[SenderRatesOut]
    minutes: Sequence[MinuteOut]
    months: Sequence[MonthOut] = Field(description="Of the store as a whole.")
    followers: Sequence[FollowerOut]
    spool: SpoolOut
    set_aside: int = Field(description="Acknowledged statements that have the ids of others.")
    elsewhere: int = Field(description="Senders of the installation itself, of which nothing is told here.")


class UsedOut(BaseModel):
    """A verb or an activity with its names by language, and how many of the counted statements have it."""

    iri: str
    names: Mapping[str, str]
    statements: int


class UsageOut(BaseModel):
    """What the newest statements use most; `statements` were counted, the oldest stored at `since`."""

    statements: int
    since: datetime | None
    verbs: Sequence[UsedOut]
    activities: Sequence[UsedOut]


class StatementOut(BaseModel):
    """A statement as senders get it, and by whom it was sent."""

    id: UUID
    stored: datetime
    sender: str
    statement: Mapping[str, Any]


class AttachmentOut(BaseModel):
    """An attachment as described; `kept` whether its content is in the store."""

    name: str
    content_type: str
    length: int
    sha2: str
    file_url: str | None
    kept: bool


class ReferringOut(BaseModel):
    """A statement about another one."""

    id: UUID
    stored: datetime
    verb: str


class StatementDetailOut(StatementOut):
    """One statement with all that is known of it; `version` is the interface that it came by."""

    version: str
    voided_at: datetime | None
    attachments: Sequence[AttachmentOut]
    referring: Sequence[ReferringOut]
