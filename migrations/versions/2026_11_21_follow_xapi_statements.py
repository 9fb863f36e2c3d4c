"""Follow xAPI statements with the rollup of activity."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security

revision: str = "follow_xapi_statements"
down_revision: str | None = "keep_xapi_attachments"

TIME = sa.DateTime(timezone=True)
TABLES = ("xapi_follower", "xapi_agent_link", "xapi_context_link")


def upgrade() -> None:
    op.create_table(
        "xapi_follower",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_xapi_follower"),
    )
    op.create_table(
        "xapi_agent_link",
        sa.Column("agent_key", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("agent_key", name="pk_xapi_agent_link"),
    )
    op.create_index("ix_xapi_agent_link_actor_id", "xapi_agent_link", ["actor_id"])
    op.create_table(
        "xapi_context_link",
        sa.Column("activity_key", sa.Uuid(), nullable=False),
        sa.Column("context_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("activity_key", name="pk_xapi_context_link"),
    )
    for table in TABLES:
        for statement in (*grant(table), *row_level_security(table, read="false")):
            op.execute(statement)
    op.create_index("ix_xapi_voided_voided_at", "xapi_voided", ["voided_at"])
    op.add_column(
        "activity_day", sa.Column("from_statements", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.execute("DELETE FROM activity_day WHERE from_statements")
    op.drop_column("activity_day", "from_statements")
    op.drop_index("ix_xapi_voided_voided_at", "xapi_voided")
    for table in TABLES:
        op.drop_table(table)
