"""Sum activity by the day."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security

revision: str = "sum_activity_by_the_day"
down_revision: str | None = "keep_the_records_of_students"

# The context is an offering and the actor a person wherever the activity is that of a student. Only Academe itself
# writes: the rollup follows from statements and imports.
POLICIES = row_level_security(
    "activity_day",
    read="context_id IN"
    " (SELECT actor_offerings('{lecturer,convenor}', '{advisor,registrar,administrator,auditor}'))"
    " OR actor_id = (SELECT actor_person_id())",
)


def upgrade() -> None:
    create_activity_day()
    for statement in (*grant("activity_day"), *POLICIES):
        op.execute(statement)
    op.execute(
        "SELECT ensure_month_partitions('activity_day', current_date, (current_date + interval '3 months')::date)"
    )


def create_activity_day() -> None:
    op.create_table(
        "activity_day",
        sa.Column("context_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("duration_seconds", sa.Integer()),
        sa.Column("last_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("count > 0", name=op.f("ck_activity_day_count_positive")),
        sa.CheckConstraint("duration_seconds >= 0", name=op.f("ck_activity_day_duration_not_negative")),
        sa.PrimaryKeyConstraint("context_id", "actor_id", "day", "activity_id", name="pk_activity_day"),
        postgresql_partition_by="RANGE (day)",
    )


def downgrade() -> None:
    op.drop_table("activity_day")
