"""The table `job`: what a person asked to be done in the background, and how far it is."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped, Vocabulary, one_of
from academe.platform.jobs.types import JobStatus


class Job(Identified, Timestamped, Base):
    """One piece of background work.

    `progress` is in percent. `actor` holds who asked, with the roles in force at that moment: the work is done in
    their name. `queue_id` is the row of the queue (table `procrastinate_jobs`), which keeps no data of people.
    """

    __tablename__ = "job"
    __table_args__ = (
        one_of("status", JobStatus),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress_percent"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        CheckConstraint(
            "(status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)", name="finished_when_over"
        ),
        Index("ix_job_requested_by_created_at", "requested_by", "created_at"),
        Index("ix_job_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        {"info": {PEOPLE: True}},
    )

    kind: Mapped[str]
    title: Mapped[str]
    status: Mapped[JobStatus] = mapped_column(Vocabulary(JobStatus), default=JobStatus.QUEUED)
    progress: Mapped[int] = mapped_column(SmallInteger, default=0)
    message: Mapped[str | None]
    arguments: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[str | None]
    requested_by: Mapped[UUID | None]
    actor: Mapped[dict[str, Any]]
    queue_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
