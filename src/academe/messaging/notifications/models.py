"""Tables of notifications."""

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from academe.messaging.types import EmailMode, NotificationKind
from academe.platform.database.base import PEOPLE, Base, Identified, Vocabulary, one_of


class Notification(Identified, Base):
    """One thing that one person was told. `link` is a path within Academe, empty where there is nothing to see.

    `dedup_key` names the fact ("enrolled:" and an id): what has been told a person under a key is not told again.
    `in_bell` is false where the person wants this kind elsewhere only; such rows are neither counted nor listed.
    `digest_due` is true until the daily letter has told it.
    """

    __tablename__ = "notification"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"))
    kind: Mapped[NotificationKind] = mapped_column(Vocabulary(NotificationKind))
    title: Mapped[str]
    body: Mapped[str] = mapped_column(server_default="")
    link: Mapped[str] = mapped_column(server_default="")
    dedup_key: Mapped[str | None]
    in_bell: Mapped[bool] = mapped_column(server_default=text("true"))
    digest_due: Mapped[bool] = mapped_column(server_default=text("false"))
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
        Index("ix_notification_announced", "dedup_key", postgresql_where=text("kind = 'announcement'")),
        Index("ix_notification_digest_due", "person_id", postgresql_where=text("digest_due")),
        {"info": {PEOPLE: True}},
    )


class NotificationPreference(Base):
    """Where a person wants to be told things of a kind; who has no row, or no `email`, takes what is usual for it."""

    __tablename__ = "notification_preference"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[NotificationKind] = mapped_column(Vocabulary(NotificationKind), primary_key=True)
    in_bell: Mapped[bool] = mapped_column(server_default=text("true"))
    email: Mapped[EmailMode | None] = mapped_column(Vocabulary(EmailMode))

    __table_args__ = (
        one_of("kind", NotificationKind),
        one_of("email", EmailMode),
        {"info": {PEOPLE: True}},
    )


class NotificationSchedule(Base):
    """When a person wants letters, in their own time zone (a name of the IANA database).

    Between `quiet_from` and `quiet_until`, which may lie on the next day, none is sent; the daily letter leaves at
    `digest_at` or soon after. Both ends of the quiet hours are empty or neither.
    """

    __tablename__ = "notification_schedule"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    digest_at: Mapped[time] = mapped_column(server_default=text("'07:00'::time"))

    __table_args__ = (
        CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", name="quiet_has_both_ends"),
        CheckConstraint("quiet_from <> quiet_until", name="quiet_is_not_always"),
        {"info": {PEOPLE: True}},
    )
