"""Set statements aside that were acknowledged while the database was away, and whose ids belong to others."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from academe.platform.database.ddl import grant, row_level_security

revision: str = "set_statements_aside"
down_revision: str | None = "tell_institutions_apart"

TIME = sa.DateTime(timezone=True)

# Academe alone adds rows; administrators of the sender's institution may also delete them.
SECURITY = (
    *row_level_security(
        "xapi_set_aside", read="institution_id IN (SELECT actor_institutions('{administrator,auditor}'))"
    ),
    "DROP POLICY actor_deletes ON xapi_set_aside",
    (
        "CREATE POLICY actor_deletes ON xapi_set_aside FOR DELETE USING ((SELECT actor_is_system())"
        " OR institution_id IN (SELECT actor_institutions('{administrator}')))"
    ),
)


def upgrade() -> None:
    op.create_table(
        "xapi_set_aside",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid()),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("set_aside_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("agent_keys", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("statement", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xapi_set_aside"),
    )
    op.create_index(
        "ix_xapi_set_aside_institution_id_received_at_id", "xapi_set_aside", ["institution_id", "received_at", "id"]
    )
    for statement in (*grant("xapi_set_aside", "SELECT, INSERT, DELETE"), *SECURITY):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("xapi_set_aside")
