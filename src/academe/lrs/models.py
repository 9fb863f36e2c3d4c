"""Tables of the learning record store."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base


class ActivityDay(Base):
    """What one actor did with one activity on one day.

    `actor_id` is opaque here; above, it is the person's id. `context_id` is what the activity belongs to, above an
    offering. `kind` is the activity's type in the source's words. `count` is the number of events (or clicks),
    `duration_seconds` their summed duration where the source gives one. `from_statements` says that the row follows
    from statements (`rollup`), and not from an import. Partitioned by month of `day`.
    """

    __tablename__ = "activity_day"

    context_id: Mapped[UUID] = mapped_column(primary_key=True)
    actor_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    activity_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    count: Mapped[int]
    duration_seconds: Mapped[int | None]
    last_at: Mapped[datetime | None]
    from_statements: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        CheckConstraint("count > 0", name="count_positive"),
        CheckConstraint("duration_seconds >= 0", name="duration_not_negative"),
        {"info": {PEOPLE: True}, "postgresql_partition_by": "RANGE (day)"},
    )
