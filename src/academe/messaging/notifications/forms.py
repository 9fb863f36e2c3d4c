"""Forms of notifications."""

from pydantic import BaseModel, Field, field_validator

from academe.messaging.types import NotificationKind


class PreferencesForm(BaseModel):
    """The kinds that are to come into the bell; those that are not ticked do not."""

    bell: list[NotificationKind] = Field(default_factory=list)

    @field_validator("bell", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value
