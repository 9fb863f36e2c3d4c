"""What programs get about statements that were set aside."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field


class SetAsideOut(BaseModel):
    """A statement that its sender was told is kept, and whose id belongs to another one."""

    id: UUID
    sender_id: UUID
    statement_id: UUID = Field(description="The id that another statement has; that one is in the store.")
    received_at: datetime
    set_aside_at: datetime
    statement: Mapping[str, Any] = Field(description="As it was sent.")
