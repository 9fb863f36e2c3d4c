"""Tables of forwards.

They are not about people, but what they open is: hence row-level security like tables of people's records.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from academe.lrs.forwarding.types import ForwardVersion, PauseReason
from academe.platform.database.base import PEOPLE, Base, Identified, Vocabulary, one_of
from academe.platform.encryption import EncryptedText

LONGEST_NAME = 200
LONGEST_ENDPOINT = 2_000


class XapiForward(Identified, Base):
    """Where statements go on to, and which. `key` and `secret` are the Basic credentials there.

    `endpoint` is the address above `/statements`. `institution_id` is opaque here: its senders' statements are
    forwarded; without one those of every sender. Statements stored at `starts_after` or before are none of its
    business. For the filter see `types.ForwardFilter`.
    """

    __tablename__ = "xapi_forward"

    institution_id: Mapped[UUID | None] = mapped_column(index=True)
    name: Mapped[str]
    endpoint: Mapped[str]
    version: Mapped[ForwardVersion] = mapped_column(Vocabulary(ForwardVersion))
    key: Mapped[str] = mapped_column(EncryptedText())
    secret: Mapped[str] = mapped_column(EncryptedText())
    verbs: Mapped[list[str]] = mapped_column(ARRAY(Text))
    activities: Mapped[list[str]] = mapped_column(ARRAY(Text))
    activity_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sender_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    agent_keys: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    registration: Mapped[UUID | None]
    with_voiding: Mapped[bool]
    with_references: Mapped[bool]
    starts_after: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(f"length(name) BETWEEN 1 AND {LONGEST_NAME}", name="name_length"),
        CheckConstraint(f"endpoint ~ '^https?://' AND length(endpoint) <= {LONGEST_ENDPOINT}", name="endpoint_form"),
        one_of("version", ForwardVersion),
        {"info": {PEOPLE: True}},
    )


class XapiForwardProgress(Base):
    """How far a forward has got: everything stored up to `position` is decided.

    `failure` is what went wrong with the last request, in words of ours, since `failing_since`; it is tried again at
    `next_attempt_at`, for the `attempts`th time. `batch` is the most statements of the next request, which failures
    halve. `refused_in_row` counts dead letters since the last delivery. `answers` are the last ones, the newest first.
    """

    __tablename__ = "xapi_forward_progress"

    forward_id: Mapped[UUID] = mapped_column(ForeignKey("xapi_forward.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    pause_reason: Mapped[PauseReason | None] = mapped_column(Vocabulary(PauseReason))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    failure: Mapped[str | None]
    batch: Mapped[int]
    refused_in_row: Mapped[int] = mapped_column(server_default=text("0"))
    delivered: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    delivered_at: Mapped[datetime | None]
    answers: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))

    __table_args__ = (
        CheckConstraint("(paused_at IS NULL) = (pause_reason IS NULL)", name="pause_has_reason"),
        CheckConstraint("(failing_since IS NULL) = (failure IS NULL)", name="failure_since"),
        CheckConstraint("attempts >= 0 AND refused_in_row >= 0 AND delivered >= 0", name="counts_not_negative"),
        CheckConstraint("batch > 0", name="batch_positive"),
        one_of("pause_reason", PauseReason),
        {"info": {PEOPLE: True}},
    )


class XapiForwardLetter(Identified, Base):
    """A statement that the other store refused, or that a person skipped: not there, and no longer ahead.

    `status` is that of the answer, null where nothing was asked; `answer` is the beginning of what the other store
    said. With `again_at`, it is sent again as soon as the forward gets to it.
    """

    __tablename__ = "xapi_forward_letter"

    forward_id: Mapped[UUID] = mapped_column(ForeignKey("xapi_forward.id", ondelete="CASCADE"))
    statement_id: Mapped[UUID]
    stored: Mapped[datetime]
    status: Mapped[int | None]
    reason: Mapped[str]
    answer: Mapped[str]
    refused_at: Mapped[datetime]
    again_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("forward_id", "statement_id"),
        Index(None, "forward_id", "again_at", postgresql_where=text("again_at IS NOT NULL")),
        {"info": {PEOPLE: True}},
    )


class XapiForwardMinute(Base):
    """What a forward did in a minute: statements delivered, requests, and those of them that failed."""

    __tablename__ = "xapi_forward_minute"

    forward_id: Mapped[UUID] = mapped_column(ForeignKey("xapi_forward.id", ondelete="CASCADE"), primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    statements: Mapped[int] = mapped_column(BigInteger)
    requests: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = ({"info": {PEOPLE: True}},)
