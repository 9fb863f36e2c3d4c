"""The table of openings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func, text
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified


class EmergencyOpening(Identified, Base):
    """That somebody opened the record of a person in an emergency, until `until` at the latest.

    Begin and end are the database's own time. It is over at `closed_at` when somebody ended it before. Somebody other
    than who opened it reviews it then.
    """

    __tablename__ = "emergency_opening"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    opened_by: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    until: Mapped[datetime] = mapped_column(server_default=text("now() + interval '1 hour'"))
    closed_at: Mapped[datetime | None]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    review_note: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("length(reason) BETWEEN 10 AND 1000", name="reason_length"),
        CheckConstraint("until <= opened_at + interval '1 hour'", name="an_hour_at_most"),
        CheckConstraint("opened_by <> person_id", name="of_another"),
        CheckConstraint("reviewed_by <> opened_by", name="reviewed_by_another"),
        CheckConstraint("(reviewed_at IS NULL) = (review_note IS NULL)", name="reviewed_with_a_note"),
        CheckConstraint("length(review_note) BETWEEN 1 AND 1000", name="review_note_length"),
        {"info": {PEOPLE: True}},
    )
