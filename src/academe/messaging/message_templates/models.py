"""Tables of message templates."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped

LONGEST_NAME = 200


class MessageTemplate(Identified, Timestamped, Base):
    """How an institution words a kind of message, in the words of its `version`. One that is not active is not used."""

    __tablename__ = "message_template"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"))
    kind: Mapped[str]
    name: Mapped[str]
    version: Mapped[int]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))

    __table_args__ = (
        CheckConstraint(f"length(name) BETWEEN 1 AND {LONGEST_NAME}", name="name_length"),
        CheckConstraint("version >= 1", name="version_positive"),
        Index("ix_message_template_institution_id_name", "institution_id", "name", "id"),
        Index(
            "uq_message_template_institution_id_kind",
            "institution_id",
            "kind",
            unique=True,
            postgresql_where=text("kind <> 'announcement'"),
        ),
        {"info": {PEOPLE: True}},
    )


class MessageTemplateText(Identified, Base):
    """A version of a template in one language; never changed."""

    __tablename__ = "message_template_text"

    template_id: Mapped[UUID] = mapped_column(ForeignKey("message_template.id", ondelete="RESTRICT"))
    version: Mapped[int]
    language: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str] = mapped_column(server_default="")
    author_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"))
    written_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("template_id", "version", "language"),
        CheckConstraint("language ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$'", name="language_tag"),
        CheckConstraint("length(subject) BETWEEN 1 AND 200", name="subject_length"),
        CheckConstraint("length(text) BETWEEN 1 AND 4000", name="text_length"),
        CheckConstraint("length(html) <= 20000", name="html_length"),
        {"info": {PEOPLE: True}},
    )
