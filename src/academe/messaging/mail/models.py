"""Tables of mail: letters, addresses that cannot be reached, and what the catcher keeps in place of a server."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from academe.messaging.types import MailStatus, MailTemplate, NotificationKind
from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped, Vocabulary, one_of


class MailMessage(Identified, Timestamped, Base):
    """One letter to one person, once for each `idempotency_key`. `token` is made of both and is its Message-ID.

    The address is looked up when the letter is claimed and noted when it is handed over. `has_copy` says that our own
    mailbox was a receiver too, and `copy_seen_at` that the copy arrived: the letter was then accepted for both.
    `settle_at` is when a doubt may be decided without a copy. `reply` is the server's last answer.
    """

    __tablename__ = "mail_message"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"))
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    template: Mapped[MailTemplate] = mapped_column(Vocabulary(MailTemplate))
    kind: Mapped[NotificationKind | None] = mapped_column(Vocabulary(NotificationKind))
    idempotency_key: Mapped[str]
    token: Mapped[str] = mapped_column(unique=True)
    content: Mapped[dict[str, Any]]
    status: Mapped[MailStatus] = mapped_column(Vocabulary(MailStatus), server_default=MailStatus.WAITING.value)
    not_before: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    lease_until: Mapped[datetime | None]
    address: Mapped[str | None]
    handed_over_at: Mapped[datetime | None]
    has_copy: Mapped[bool] = mapped_column(server_default=text("false"))
    copy_seen_at: Mapped[datetime | None]
    settle_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    bounced_at: Mapped[datetime | None]
    reply_code: Mapped[int | None] = mapped_column(SmallInteger)
    reply: Mapped[str | None]

    __table_args__ = (
        one_of("template", MailTemplate),
        one_of("kind", NotificationKind),
        one_of("status", MailStatus),
        UniqueConstraint("person_id", "idempotency_key"),
        CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        CheckConstraint(
            "(status IN ('claimed', 'handing_over')) = (lease_until IS NOT NULL)", name="lease_while_in_hand"
        ),
        CheckConstraint("(status = 'unknown') = (settle_at IS NOT NULL)", name="settles_while_unknown"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index("ix_mail_message_waiting", "not_before", postgresql_where=text("status = 'waiting'")),
        Index("ix_mail_message_in_hand", "lease_until", postgresql_where=text("lease_until IS NOT NULL")),
        Index(
            "ix_mail_message_in_trouble",
            "institution_id",
            "id",
            postgresql_where=text("status IN ('unknown', 'failed', 'suppressed')"),
        ),
        Index("ix_mail_message_handed_over_at", "handed_over_at"),
        {"info": {PEOPLE: True}},
    )


class UndeliverableAddress(Base):
    """An address to which mail cannot be delivered for good (RFC 3463, class 5), until somebody says otherwise."""

    __tablename__ = "undeliverable_address"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(server_default=func.now())
    reply: Mapped[str]

    __table_args__ = (CheckConstraint("address = lower(address)", name="address_lower"), {"info": {PEOPLE: True}})


class CaughtMail(Identified, Base):
    """A letter as a server would have received it, kept where no server is configured outside production."""

    __tablename__ = "caught_mail"

    mail_id: Mapped[UUID] = mapped_column(ForeignKey("mail_message.id", ondelete="CASCADE"), unique=True)
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"))
    receiver: Mapped[str]
    subject: Mapped[str]
    source: Mapped[bytes] = mapped_column(LargeBinary)
    caught_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("ix_caught_mail_institution_id_id", "institution_id", "id"), {"info": {PEOPLE: True}})
