"""The table of restrictions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped


class ProcessingRestriction(Identified, Timestamped, Base):
    """That a person's data are kept and not used, why, and why that was lifted; one at a time is in force."""

    __tablename__ = "processing_restriction"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[str]
    placed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    lift_reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="reason_length"),
        CheckConstraint("(lifted_at IS NULL) = (lift_reason IS NULL)", name="lifted_with_a_reason"),
        CheckConstraint("length(lift_reason) BETWEEN 1 AND 1000", name="lift_reason_length"),
        Index(
            "uq_processing_restriction_in_force", "person_id", unique=True, postgresql_where=text("lifted_at IS NULL")
        ),
        {"info": {PEOPLE: True}},
    )
