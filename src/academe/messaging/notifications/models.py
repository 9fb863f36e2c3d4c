"""Tables of notifications."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from academe.messaging.types import NotificationKind
from academe.platform.database.base import PEOPLE, Base, Identified, Vocabulary, one_of


class Notification(Identified, Base):
    """One thing that one person was told. `link` is a path within Academe, empty where there is nothing to see.

    `dedup_key` names the fact ("enrolled:" and an id): what has been told a person under a key is not told again.
    `in_bell` is false where the person wants this kind elsewhere only; such rows are neither counted nor listed.
    """

    __tablename__ = "notification"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"))
    kind: Mapped[NotificationKind] = mapped_column(Vocabulary(NotificationKind))
    title: Mapped[str]
    body: Mapped[str] = mapped_column(server_default="")
    link: Mapped[str] = mapped_column(server_default="")
    dedup_key: Mapped[str | None]
    in_bell: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    read_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("kind", NotificationKind),
        CheckConstraint("length(title) BETWEEN 1 AND 200", name="title_length"),
        CheckConstraint("length(body) <= 4000", name="body_length"),
        CheckConstraint(r"link = '' OR link ~ '^/([^/\\].*)?$'", name="link_is_local"),
        CheckConstraint("length(dedup_key) BETWEEN 1 AND 200", name="dedup_key_length"),
        Index("ix_notification_person_id_id", "person_id", "id"),
        Index("ix_notification_unread", "person_id", postgresql_where=text("read_at IS NULL AND in_bell")),
        Index(
            "uq_notification_person_id_dedup_key",
            "person_id",
            "dedup_key",
            unique=True,
            postgresql_where=text("dedup_key IS NOT NULL"),
        ),
        Index("ix_notification_created_at", "created_at"),
        {"info": {PEOPLE: True}},
    )


class NotificationPreference(Base):
    """Where a person wants to be told things of a kind; who has no row takes what is usual for the kind."""

    __tablename__ = "notification_preference"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[NotificationKind] = mapped_column(Vocabulary(NotificationKind), primary_key=True)
    in_bell: Mapped[bool] = mapped_column(server_default=text("true"))

    __table_args__ = (one_of("kind", NotificationKind), {"info": {PEOPLE: True}})
