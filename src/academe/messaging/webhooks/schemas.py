"""Shapes of JSON of webhooks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from academe.messaging.webhooks.models import LONGEST_NAME, LONGEST_URL
from academe.messaging.webhooks.service import EndpointWanted
from academe.messaging.webhooks.types import DeliveryState, SwitchedOff


class EventOut(BaseModel):
    """A kind of event that an endpoint can be told."""

    name: str
    words: str


class WebhookIn(BaseModel):
    """Where somebody wants to be told, and of which events."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    url: str = Field(
        max_length=LONGEST_URL, pattern=r"^https?://[!-~]+$", description="`https://` outside development."
    )
    events: list[str] = Field(min_length=1, max_length=100, description="Names, as `/webhooks/events` lists them.")

    def wanted(self) -> EndpointWanted:
        """What the verbs take."""
        return EndpointWanted(self.name, self.url, self.events)


class WebhookAddIn(WebhookIn):
    """A new endpoint; `institution_id` for whoever administers several institutions."""

    institution_id: UUID | None = None


class RotateIn(BaseModel):
    """Whether the old secret ends at once; otherwise it signs for another 24 hours."""

    at_once: bool = False


class WebhookOut(BaseModel):
    """An endpoint; `dead` is how many deliveries wait for somebody to send them again."""

    id: UUID
    institution_id: UUID
    name: str
    url: str
    events: list[str]
    state: str
    switched_off: SwitchedOff | None
    switched_off_at: datetime | None
    failures: int
    failing_since: datetime | None
    previous_until: datetime | None = Field(description="Until when the secret before the last one signs too.")
    created_at: datetime
    delivered_at: datetime | None
    dead: int


class SecretOut(BaseModel):
    """A secret, told this once; `whsec_` and base64 (Standard Webhooks)."""

    id: UUID
    secret: str


class DeliveryOut(BaseModel):
    """A delivery with its last attempt; `webhook_id` is what its receiver knows it by."""

    id: UUID
    webhook_id: str
    event: str
    data: dict[str, Any]
    occurred_at: datetime
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    tried_at: datetime | None
    milliseconds: int | None
    status: int | None
    response: str
    failure: str


class SentAgainOut(BaseModel):
    """How many deliveries are on their way again."""

    count: int
