"""Forward xAPI statements to other stores."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from academe.platform.database.ddl import grant, row_level_security

revision: str = "forward_xapi_statements"
down_revision: str | None = "fill_months_of_activity_by_copy"

TIME = sa.DateTime(timezone=True)
TEXTS, KEYS = postgresql.ARRAY(sa.Text()), postgresql.ARRAY(sa.Uuid())

# Operators see forwards and keep them going; what they carry, and where to, is for administrators to say. Rows about a
# forward are for whoever sees the forward itself: the policy of the one table asks that of the other.
SEEN = "forward_id IN (SELECT id FROM xapi_forward)"
SECURITY = (
    *row_level_security(
        "xapi_forward",
        read="institution_id IN (SELECT actor_institutions('{administrator,operator}'))",
        write="institution_id IN (SELECT actor_institutions('{administrator}'))",
    ),
    *row_level_security("xapi_forward_progress", read=SEEN, write=SEEN),
    *row_level_security("xapi_forward_letter", read=SEEN, write=SEEN),
    *row_level_security("xapi_forward_minute", read=SEEN),
)
# Reporting tools get no credentials, encrypted or not.
READABLE_COLUMNS = (
    "(id, institution_id, name, endpoint, version, verbs, activities, activity_types, sender_ids, agent_keys,"
    " registration, with_voiding, with_references, starts_after, created_at)"
)
RIGHTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON xapi_forward TO academe_app",
    f"GRANT SELECT {READABLE_COLUMNS} ON xapi_forward TO academe_readonly",
    *(
        right
        for table in ("xapi_forward_progress", "xapi_forward_letter", "xapi_forward_minute")
        for right in grant(table)
    ),
)


def upgrade() -> None:
    op.create_table(
        "xapi_forward",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("verbs", TEXTS, nullable=False),
        sa.Column("activities", TEXTS, nullable=False),
        sa.Column("activity_types", TEXTS, nullable=False),
        sa.Column("sender_ids", KEYS, nullable=False),
        sa.Column("agent_keys", KEYS, nullable=False),
        sa.Column("registration", sa.Uuid()),
        sa.Column("with_voiding", sa.Boolean(), nullable=False),
        sa.Column("with_references", sa.Boolean(), nullable=False),
        sa.Column("starts_after", TIME, nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_xapi_forward_name_length")),
        sa.CheckConstraint(
            "endpoint ~ '^https?://' AND length(endpoint) <= 2000", name=op.f("ck_xapi_forward_endpoint_form")
        ),
        sa.CheckConstraint("version IN ('1.0.3', '2.0')", name=op.f("ck_xapi_forward_version_known")),
        sa.PrimaryKeyConstraint("id", name="pk_xapi_forward"),
    )
    op.create_index("ix_xapi_forward_institution_id", "xapi_forward", ["institution_id"])
    _make_progress()
    _make_letters()
    op.create_table(
        "xapi_forward_minute",
        sa.Column("forward_id", sa.Uuid(), nullable=False),
        sa.Column("minute", TIME, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("statements", "requests", "failed")),
        _of_forward("xapi_forward_minute"),
        sa.PrimaryKeyConstraint("forward_id", "minute", name="pk_xapi_forward_minute"),
    )
    for statement in (*RIGHTS, *SECURITY):
        op.execute(statement)


def _make_progress() -> None:
    op.create_table(
        "xapi_forward_progress",
        sa.Column("forward_id", sa.Uuid(), nullable=False),
        sa.Column("position", TIME, nullable=False),
        sa.Column("paused_at", TIME),
        sa.Column("pause_reason", sa.Text()),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", TIME),
        sa.Column("failing_since", TIME),
        sa.Column("failure", sa.Text()),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("refused_in_row", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivered", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivered_at", TIME),
        sa.Column("answers", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.CheckConstraint(
            "(paused_at IS NULL) = (pause_reason IS NULL)", name=op.f("ck_xapi_forward_progress_pause_has_reason")
        ),
        sa.CheckConstraint(
            "(failing_since IS NULL) = (failure IS NULL)", name=op.f("ck_xapi_forward_progress_failure_since")
        ),
        sa.CheckConstraint(
            "attempts >= 0 AND refused_in_row >= 0 AND delivered >= 0",
            name=op.f("ck_xapi_forward_progress_counts_not_negative"),
        ),
        sa.CheckConstraint("batch > 0", name=op.f("ck_xapi_forward_progress_batch_positive")),
        sa.CheckConstraint(
            "pause_reason IN ('person', 'credentials', 'everything_refused')",
            name=op.f("ck_xapi_forward_progress_pause_reason_known"),
        ),
        _of_forward("xapi_forward_progress"),
        sa.PrimaryKeyConstraint("forward_id", name="pk_xapi_forward_progress"),
    )


def _make_letters() -> None:
    op.create_table(
        "xapi_forward_letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("forward_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("stored", TIME, nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("refused_at", TIME, nullable=False),
        sa.Column("again_at", TIME),
        _of_forward("xapi_forward_letter"),
        sa.PrimaryKeyConstraint("id", name="pk_xapi_forward_letter"),
        sa.UniqueConstraint("forward_id", "statement_id", name="uq_xapi_forward_letter_forward_id_statement_id"),
    )
    op.create_index(
        "ix_xapi_forward_letter_forward_id_again_at",
        "xapi_forward_letter",
        ["forward_id", "again_at"],
        postgresql_where=sa.text("again_at IS NOT NULL"),
    )


def _of_forward(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["forward_id"], ["xapi_forward.id"], name=f"fk_{table}_forward_id", ondelete="CASCADE"
    )


def downgrade() -> None:
    for table in ("xapi_forward_minute", "xapi_forward_letter", "xapi_forward_progress", "xapi_forward"):
        op.drop_table(table)
