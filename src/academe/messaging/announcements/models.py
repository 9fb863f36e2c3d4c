"""The table of announcements."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from academe.messaging.types import AnnouncementStatus
from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped, Vocabulary, one_of


class Announcement(Identified, Timestamped, Base):
    """What somebody tells an audience. `audience_label` is the audience's name when it was chosen.

    `template_id` is the frame around it, in the words of the institution; without one, it is told as it was written.
    `told` is how many people it was sent to; how many have read it is asked of their notifications.
    """

    __tablename__ = "announcement"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"))
    audience_kind: Mapped[str]
    audience_id: Mapped[UUID]
    audience_label: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    send_at: Mapped[datetime]
    status: Mapped[AnnouncementStatus] = mapped_column(
        Vocabulary(AnnouncementStatus), server_default=AnnouncementStatus.PLANNED.value
    )
    sent_at: Mapped[datetime | None]
    told: Mapped[int | None]
    template_id: Mapped[UUID | None] = mapped_column(ForeignKey("message_template.id", ondelete="RESTRICT"))

    __table_args__ = (
        one_of("status", AnnouncementStatus),
        CheckConstraint("length(title) BETWEEN 1 AND 200", name="title_length"),
        CheckConstraint("length(body) BETWEEN 1 AND 4000", name="body_length"),
        CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL AND told IS NOT NULL)", name="sent_has_time"),
        CheckConstraint("told >= 0", name="told_not_negative"),
        Index("ix_announcement_author_id_id", "author_id", "id"),
        {"info": {PEOPLE: True}},
    )
