"""Count by the minute what xAPI senders do."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security

revision: str = "count_what_xapi_senders_do"
down_revision: str | None = "forget_xapi_agents"

COUNTED = ("requests", "statements", "refused", "failed")


def upgrade() -> None:
    op.create_table(
        "xapi_sender_minute",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTED),
        sa.PrimaryKeyConstraint("minute", "sender_id", name="pk_xapi_sender_minute"),
    )
    for statement in (*grant("xapi_sender_minute"), *row_level_security("xapi_sender_minute", read="false")):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("xapi_sender_minute")
