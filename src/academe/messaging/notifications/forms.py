"""Forms of notifications."""

from datetime import time

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from academe.messaging.types import EmailMode, NotificationKind

_EMAIL = "email_"


class PreferencesForm(BaseModel):
    """The kinds that are to come into the bell, and for each kind how by e-mail (`email_grade`)."""

    model_config = ConfigDict(extra="ignore")

    bell: list[NotificationKind] = Field(default_factory=list)
    email: dict[NotificationKind, EmailMode] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, values: dict[str, object]) -> dict[str, object]:
        email = {name.removeprefix(_EMAIL): value for name, value in values.items() if name.startswith(_EMAIL)}
        return {"bell": values.get("bell", []), "email": email}

    @field_validator("bell", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class ScheduleForm(BaseModel):
    """When letters may come."""

    time_zone: str = Field(max_length=100)
    quiet_from: time | None = None
    quiet_until: time | None = None
    digest_at: time
