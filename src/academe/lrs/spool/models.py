"""The table of statements that were acknowledged and cannot be stored."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Index, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base


class XapiSetAside(Base):
    """A statement that its sender was told is kept, and whose id belongs to another one: somebody has to look at it.

    `id` follows from its place in the spool, so that a replay that is done again adds none. `institution_id` is that of
    the sender. `agent_keys` are those of everybody it mentions, for erasure. The statement is as it was sent.
    """

    __tablename__ = "xapi_set_aside"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    institution_id: Mapped[UUID | None]
    sender_id: Mapped[UUID]
    statement_id: Mapped[UUID]
    received_at: Mapped[datetime]
    set_aside_at: Mapped[datetime] = mapped_column(server_default=func.now())
    agent_keys: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    statement: Mapped[dict[str, Any]]

    __table_args__ = (Index(None, "institution_id", "received_at", "id"), {"info": {PEOPLE: True}})
