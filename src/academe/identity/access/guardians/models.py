"""The table of guardians."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, column, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped


class Guardianship(Identified, Timestamped, Base):
    """That a person looks after a student, from `starts_on` to `ends_on`, and what the student lets them see.

    Both days are inclusive. Without `needs_consent` (a minor's) every part is seen; else those that are covered.
    """

    __tablename__ = "guardianship"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    student_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    starts_on: Mapped[date] = mapped_column(server_default=func.current_date())
    ends_on: Mapped[date | None]
    needs_consent: Mapped[bool] = mapped_column(server_default=text("true"))
    covers_offerings: Mapped[bool] = mapped_column(server_default=text("false"))
    covers_attendance: Mapped[bool] = mapped_column(server_default=text("false"))
    covers_results: Mapped[bool] = mapped_column(server_default=text("false"))
    consented_at: Mapped[datetime | None]

    __table_args__ = (
        ExcludeConstraint(
            (column("guardian_id"), "="),
            (column("student_id"), "="),
            (text("daterange(starts_on, ends_on + 1)"), "&&"),
            name="ex_guardianship_once",
        ),
        CheckConstraint("guardian_id <> student_id", name="of_another"),
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on - 1", name="ends_after_start"),
        {"info": {PEOPLE: True}},
    )
