"""Tables of consents."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified


class ConsentText(Identified, Base):
    """What people of an institution are asked to consent to: one version, which is never changed.

    `purpose` is what other modules ask by. `is_current` is the one version of a purpose that is asked for; a purpose
    without one is asked of nobody, and nobody consents to it.
    """

    __tablename__ = "consent_text"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"))
    purpose: Mapped[str]
    version: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str]
    body: Mapped[str]
    locale: Mapped[str] = mapped_column(server_default="en")
    is_current: Mapped[bool] = mapped_column(server_default=text("true"))
    published_at: Mapped[datetime] = mapped_column(server_default=func.now())
    published_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)

    __table_args__ = (
        UniqueConstraint("institution_id", "purpose", "version"),
        Index(
            "uq_consent_text_current",
            "institution_id",
            "purpose",
            unique=True,
            postgresql_where=text("is_current"),
        ),
        CheckConstraint("purpose ~ '^[a-z][a-z0-9_]{0,59}$'", name="purpose_shape"),
        CheckConstraint("version >= 1", name="version_positive"),
        CheckConstraint("length(title) BETWEEN 1 AND 200", name="title_length"),
        CheckConstraint("length(body) BETWEEN 1 AND 20000", name="body_length"),
    )


class ConsentDecision(Identified, Base):
    """That a person gave or refused consent to a text, or took it back, at a time. Rows are only added."""

    __tablename__ = "consent_decision"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"))
    text_id: Mapped[UUID] = mapped_column(ForeignKey("consent_text.id", ondelete="RESTRICT"), index=True)
    is_given: Mapped[bool]
    decided_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (
        Index("ix_consent_decision_person_id_text_id", "person_id", "text_id", "decided_at"),
        {"info": {PEOPLE: True}},
    )
