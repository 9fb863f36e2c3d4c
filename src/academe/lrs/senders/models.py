"""The table of senders."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from academe.lrs.senders.secret import KEY_PATTERN
from academe.platform.database.base import PEOPLE, Base, Identified


class Sender(Identified, Base):
    """A program that authenticates: its key is the user name, and its secret is kept only as a SHA-256.

    The secret is 256 random bits of ours, so there is nothing to guess that a slow hash would protect; one would cost
    75 ms in each check. `secret_version` counts the secrets that it has had, so that tokens end with the secret for
    which they were given out. `institution_id` is opaque here; without one the sender is the installation's own.
    `last_used_at` is up to a minute old.

    The rows are not about people, but what they open is: hence row-level security like a table of people's records.
    """

    __tablename__ = "xapi_sender"

    institution_id: Mapped[UUID | None] = mapped_column(index=True)
    name: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    secret_version: Mapped[int] = mapped_column(server_default=text("1"))
    authority: Mapped[dict[str, Any]]
    authority_key: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint(f"key ~ '^{KEY_PATTERN}$'", name="key_form"),
        CheckConstraint("length(secret_hash) = 32", name="secret_hash_length"),
        CheckConstraint("secret_version > 0", name="secret_version_positive"),
        CheckConstraint(
            "cardinality(scopes) > 0 AND scopes <@ ARRAY['statements/write', 'statements/read/mine', 'statements/read',"
            " 'state', 'define', 'profile', 'all/read', 'all']",
            name="scopes_known",
        ),
        {"info": {PEOPLE: True}},
    )


class SenderMinute(Base):
    """What a sender did in a minute, added up by every server process: figures for operators, not evidence.

    A process that is killed takes up to a few seconds of them along. `sender_id` is all zeros for requests whose
    credentials do not hold. `refused` are requests answered with 4xx, `failed` those with 5xx.
    """

    __tablename__ = "xapi_sender_minute"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    sender_id: Mapped[UUID] = mapped_column(primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    statements: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)
