"""The table of legal holds."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped


class LegalHold(Identified, Timestamped, Base):
    """That the records of a person are kept for the law, through the day `until` (open), or until somebody lifts it."""

    __tablename__ = "legal_hold"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[str]
    until: Mapped[date | None]
    placed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)

    __table_args__ = (
        CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="reason_length"),
        {"info": {PEOPLE: True}},
    )
