"""Run jobs from a queue in the same database, so that asking for one commits with the data."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

from academe.platform.database.ddl import grant, row_level_security, touch

revision: str = "run_jobs_beside_the_data"
down_revision: str | None = "say_who_acts"

# The queue holds ids of jobs and of facts, nothing of people, and has no row-level security.
QUEUE_GRANTS = (
    (
        "GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events, procrastinate_workers,"
        " procrastinate_periodic_defers TO academe_app"
    ),
    (
        "GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq, procrastinate_workers_id_seq,"
        " procrastinate_periodic_defers_id_seq TO academe_app"
    ),
)

DROP_QUEUE = """
    DO $$
    DECLARE
        thing text;
    BEGIN
        FOR thing IN
            SELECT oid::regprocedure FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'procrastinate\\_%'
        LOOP
            EXECUTE 'DROP FUNCTION ' || thing || ' CASCADE'; -- with the triggers that call it
        END LOOP;
        DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers;
        DROP TYPE procrastinate_job_status, procrastinate_job_event_type, procrastinate_job_to_defer_v1;
    END $$
"""


def upgrade() -> None:
    install_queue()
    for statement in QUEUE_GRANTS:
        op.execute(statement)
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("progress", sa.SmallInteger(), nullable=False),
        sa.Column("message", sa.Text()),
        sa.Column("arguments", postgresql.JSONB(), nullable=False),
        sa.Column("result", postgresql.JSONB()),
        sa.Column("error", sa.Text()),
        sa.Column("requested_by", sa.Uuid()),
        sa.Column("actor", postgresql.JSONB(), nullable=False),
        sa.Column("queue_id", sa.BigInteger()),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("queue_id", name=op.f("uq_job_queue_id")),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_job_status_known")
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_job_progress_percent")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_job_attempts_not_negative")),
        sa.CheckConstraint(
            "(status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)",
            name=op.f("ck_job_finished_when_over"),
        ),
    )
    op.create_index("ix_job_requested_by_created_at", "job", ["requested_by", "created_at"])
    op.create_index("ix_job_finished_at", "job", ["finished_at"], postgresql_where=sa.text("finished_at IS NOT NULL"))
    op.execute(touch("job"))
    own = "requested_by = (SELECT actor_person_id())"
    for statement in (*grant("job"), *row_level_security("job", read=own, write=own)):
        op.execute(statement)


def install_queue() -> None:
    """The tables and functions of the queue, as the installed library brings them."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("the queue is installed through a connection, not written to a script")
    connection.execute(SchemaManager.get_schema())


def downgrade() -> None:
    op.drop_table("job")
    op.execute(DROP_QUEUE)
