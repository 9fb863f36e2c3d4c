"""Tables of operations: the runs of imports and the steps they have behind them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import Base, Identified


class ImportRun(Identified, Base):
    """One import of one source into one institution, from its first step on; `finished_at` is empty until its last.

    `fingerprint` is the SHA-256 of the source's content, in hexadecimal: a run that was broken off goes on only with
    the same files. `summary` holds what the finished run did.
    """

    __tablename__ = "import_run"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"))
    source: Mapped[str]
    fingerprint: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    summary: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        CheckConstraint("length(fingerprint) = 64", name="fingerprint_length"),
        CheckConstraint("(finished_at IS NULL) = (summary IS NULL)", name="finished_has_summary"),
        Index("ix_import_run_institution_id_source_started_at", "institution_id", "source", "started_at"),
    )


class ImportStep(Identified, Base):
    """A step of a run, written by the transaction that did it."""

    __tablename__ = "import_step"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"))
    name: Mapped[str]
    rows: Mapped[int]
    inserted: Mapped[int]
    updated: Mapped[int]
    finished_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("run_id", "name"),
        CheckConstraint("rows >= 0 AND inserted >= 0 AND updated >= 0", name="counts_not_negative"),
    )
