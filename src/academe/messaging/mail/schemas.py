"""Shapes of JSON of mail."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from academe.messaging.types import MailStatus, MailTemplate, NotificationKind


class TroubleOut(BaseModel):
    """A letter that was not delivered; `address` is for administrators."""

    id: UUID
    template: MailTemplate
    kind: NotificationKind | None
    status: MailStatus
    attempts: int
    created_at: datetime
    reply_code: int | None
    reply: str | None
    address: str | None


class AddressBody(BaseModel):
    """An address that is to be written to again."""

    institution_id: UUID
    address: str = Field(max_length=320)
