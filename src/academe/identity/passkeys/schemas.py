"""What the scripts of the pages send, and JSON of passkeys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field


class NewPasskeyIn(BaseModel):
    """A passkey that a device has made: what the browser gave (RegistrationResponseJSON), and what to call it."""

    credential: dict[str, Any]
    name: str = Field(max_length=200)


class PasskeyIn(BaseModel):
    """The answer of a device (AuthenticationResponseJSON), and where its holder wants to go."""

    credential: dict[str, Any]
    next: str = Field("/", max_length=2000)


class PasskeyOut(BaseModel):
    """One of one's passkeys."""

    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None
