"""The table of erasures."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified


class Erasure(Identified, Base):
    """That somebody was erased, why, and who asked for it. `person_id` is the pseudonym's now."""

    __tablename__ = "erasure"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), unique=True)
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[str]
    erased_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="reason_length"),
        {"info": {PEOPLE: True}},
    )
