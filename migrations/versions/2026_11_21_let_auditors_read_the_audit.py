"""Let the auditors and administrators of an institution read what was done to its records."""

from alembic import op

revision: str = "let_auditors_read_the_audit"
down_revision: str | None = "sum_activity_by_the_day"


def upgrade() -> None:
    op.execute(
        "CREATE POLICY auditor_reads ON audit_entry FOR SELECT USING"
        " (institution_id IN (SELECT actor_institutions('{administrator,auditor}')))"
    )


def downgrade() -> None:
    op.execute("DROP POLICY auditor_reads ON audit_entry")
