"""The tables of the outbox: facts on their way, and who has received them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified


class OutboxMessage(Identified, Base):
    """A fact announced in the transaction that made it true.

    It is delivered when every receiver has a receipt, and parked, with the error, when one of them kept failing.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        CheckConstraint("delivered_at IS NULL OR parked_at IS NULL", name="delivered_or_parked"),
        CheckConstraint("(parked_at IS NULL) OR (error IS NOT NULL)", name="parked_with_error"),
        Index("ix_outbox_message_open", "announced_at", postgresql_where=text("delivered_at IS NULL")),
        Index("ix_outbox_message_delivered_at", "delivered_at", postgresql_where=text("delivered_at IS NOT NULL")),
        {"info": {PEOPLE: True}},
    )

    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    announced_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    error: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]


class OutboxReceipt(Base):
    """That a receiver has done its part for a message; written in the receiver's own transaction."""

    __tablename__ = "outbox_receipt"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("outbox_message.id", ondelete="CASCADE"), primary_key=True)
    receiver: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
