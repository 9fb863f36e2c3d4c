"""Tables of imports of people."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified


class PeopleImport(Identified, Base):
    """A CSV file of people. `job_id` is set when it was confirmed, `result` when it was applied; then undoing follows.

    Once it is applied, `content` has only the lines that were left out. It goes a day after the upload; what was
    added is remembered, so that it can be undone.
    """

    __tablename__ = "people_import"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"))
    uploaded_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    file_name: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    job_id: Mapped[UUID | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    undo_job_id: Mapped[UUID | None]
    undo_result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("ix_people_import_institution_id_created_at", "institution_id", "created_at"),
        CheckConstraint("length(file_name) BETWEEN 1 AND 200", name="file_name_length"),
        CheckConstraint("result IS NULL OR job_id IS NOT NULL", name="result_of_job"),
        CheckConstraint("undo_job_id IS NULL OR result IS NOT NULL", name="undone_when_applied"),
        {"info": {PEOPLE: True}},
    )


class PeopleImportPerson(Base):
    """Somebody whom an import has added."""

    __tablename__ = "people_import_person"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("people_import.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True)

    __table_args__ = ({"info": {PEOPLE: True}},)
