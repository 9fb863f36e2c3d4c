"""What programs send and get about senders."""

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from academe.lrs.senders.queries import SenderState
from academe.lrs.senders.scopes import DEFAULT_SCOPES, in_order
from academe.lrs.senders.secret import KEY_PATTERN
from academe.lrs.senders.service import LONGEST_NAME, NAME_PATTERN
from academe.lrs.senders.types import Scope


class SenderIn(BaseModel):
    """A program that is to send statements."""

    name: str = Field(max_length=LONGEST_NAME, pattern=NAME_PATTERN)
    key: str | None = Field(
        None, pattern=f"^{KEY_PATTERN}$", description="User name; made of the name when left out, never used again."
    )
    scopes: list[Scope] = Field(default_factory=lambda: in_order(DEFAULT_SCOPES), min_length=1, max_length=len(Scope))
    institution_id: UUID | None = Field(None, description="Needed by whoever administers several.")
    expires_at: AwareDatetime | None = Field(None, description="Still to come; never when left out.")


class SenderOut(BaseModel):
    """A sender, without its secret; `last_used_at` is up to a minute old."""

    id: UUID
    institution_id: UUID | None
    name: str
    key: str
    scopes: list[Scope]
    state: SenderState
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class SenderIssuedOut(SenderOut):
    """A sender with its secret, which is told this once."""

    secret: str
