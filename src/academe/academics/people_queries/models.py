"""The table of queries of people."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped

LONGEST_NAME = 100
LONGEST_COHORT = 100
MOST_ABSENCES = 1_000


class PeopleQuery(Identified, Timestamped, Base):
    """Students who take part in offerings at a node or below; each condition that is given narrows them further.

    `absences` is the least number of meetings of those offerings from which a student was marked absent. One that
    is removed is not offered any more; what is planned for it is still sent to whom it finds.
    """

    __tablename__ = "people_query"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"))
    org_unit_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"))
    name: Mapped[str]
    program_id: Mapped[UUID | None] = mapped_column(ForeignKey("program.id", ondelete="RESTRICT"))
    term_id: Mapped[UUID | None] = mapped_column(ForeignKey("term.id", ondelete="RESTRICT"))
    cohort: Mapped[str | None]
    absences: Mapped[int | None] = mapped_column(SmallInteger)
    removed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(f"length(name) BETWEEN 1 AND {LONGEST_NAME}", name="name_length"),
        CheckConstraint(f"length(cohort) BETWEEN 1 AND {LONGEST_COHORT}", name="cohort_length"),
        CheckConstraint(f"absences BETWEEN 1 AND {MOST_ABSENCES}", name="absences_bounded"),
        Index("ix_people_query_org_unit_id_name", "org_unit_id", "name", "id"),
        {"info": {PEOPLE: True}},
    )
