"""Remember the runs of imports and their steps."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from academe.platform.database.ddl import grant

revision: str = "remember_the_runs_of_imports"
down_revision: str | None = "let_auditors_read_the_audit"


def upgrade() -> None:
    op.create_table(
        "import_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("summary", JSONB(none_as_null=True)),
        sa.CheckConstraint("length(fingerprint) = 64", name=op.f("ck_import_run_fingerprint_length")),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (summary IS NULL)", name=op.f("ck_import_run_finished_has_summary")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_import_run_institution_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_import_run"),
    )
    op.create_index(
        "ix_import_run_institution_id_source_started_at", "import_run", ["institution_id", "source", "started_at"]
    )
    op.create_table(
        "import_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("inserted", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "rows >= 0 AND inserted >= 0 AND updated >= 0", name=op.f("ck_import_step_counts_not_negative")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["import_run.id"], name="fk_import_step_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_import_step"),
        sa.UniqueConstraint("run_id", "name", name="uq_import_step_run_id_name"),
    )
    for statement in (
        *grant("import_run", "SELECT, INSERT, UPDATE"),
        *grant("import_step", "SELECT, INSERT"),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("import_step")
    op.drop_table("import_run")
