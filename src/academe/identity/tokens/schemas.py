"""JSON of tokens and service accounts."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from academe.identity.tokens.models import LONGEST_NAME


class ServiceAccountIn(BaseModel):
    """A program, and what its tokens may hold."""

    name: str = Field(max_length=LONGEST_NAME)
    scopes: list[str] = Field(max_length=200)


class TokenIn(ServiceAccountIn):
    """A token, and for how many days it is good."""

    days: int


class IssuedOut(BaseModel):
    """What opens something, told once."""

    id: UUID
    secret: str


class TokenOut(BaseModel):
    """A token of the caller."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class ServiceAccountOut(BaseModel):
    """A service account; its id is the `client_id` of OAuth 2, and of the person to whom roles are given."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
