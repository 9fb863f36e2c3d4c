"""Forms of webhooks."""

from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from academe.messaging.webhooks.models import LONGEST_NAME, LONGEST_URL
from academe.messaging.webhooks.service import EndpointWanted


class WebhookForm(BaseModel):
    """Where somebody wants to be told, and of what."""

    name: str = Field(max_length=LONGEST_NAME)
    url: str = Field(max_length=LONGEST_URL)
    events: list[str] = Field(default_factory=list)
    institution_id: UUID | None = None

    @field_validator("events", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    def wanted(self) -> EndpointWanted:
        """What the verbs take."""
        return EndpointWanted(self.name, self.url, self.events)


class RotateForm(BaseModel):
    """Whether the old secret ends at once."""

    at_once: bool = False
