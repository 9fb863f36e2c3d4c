"""The table of files on their way into a roster."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified


class RosterUpload(Identified, Base):
    """A CSV file for the roster of an offering. `job_id` is set when it was confirmed, `result` when it was applied.

    Seen by whoever uploaded it and nobody else. The content is a working copy: it goes when the import is done, or a
    day later.
    """

    __tablename__ = "roster_upload"

    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offering.id", ondelete="RESTRICT"), index=True)
    uploaded_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"))
    file_name: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    job_id: Mapped[UUID | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("ix_roster_upload_uploaded_by_created_at", "uploaded_by", "created_at"),
        CheckConstraint("length(file_name) BETWEEN 1 AND 200", name="file_name_length"),
        CheckConstraint("result IS NULL OR job_id IS NOT NULL", name="result_of_job"),
        {"info": {PEOPLE: True}},
    )
