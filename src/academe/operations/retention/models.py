"""The table of rules."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import Base, Timestamped


class RetentionRule(Timestamped, Base):
    """That an institution keeps a class of records for some days and no longer."""

    __tablename__ = "retention_rule"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="CASCADE"), primary_key=True)
    record_class: Mapped[str] = mapped_column(primary_key=True)
    days: Mapped[int]

    __table_args__ = (
        CheckConstraint("days BETWEEN 1 AND 36500", name="days_range"),
        CheckConstraint("length(record_class) BETWEEN 1 AND 60", name="record_class_length"),
    )
