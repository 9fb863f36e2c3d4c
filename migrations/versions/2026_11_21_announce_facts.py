"""Announce facts in the transaction that makes them true, and remember who received them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from academe.platform.database.ddl import grant

revision: str = "announce_facts"
down_revision: str | None = "run_jobs_beside_the_data"

# Whoever changes something announces it; only the delivery, which is the system, reads what was announced.
POLICIES = (
    "ALTER TABLE outbox_message ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY actor_inserts ON outbox_message FOR INSERT WITH CHECK (true)",
    "CREATE POLICY system_reads ON outbox_message FOR SELECT USING ((SELECT actor_is_system()))",
    "CREATE POLICY system_updates ON outbox_message FOR UPDATE USING ((SELECT actor_is_system()))",
    "CREATE POLICY system_deletes ON outbox_message FOR DELETE USING ((SELECT actor_is_system()))",
)


def upgrade() -> None:
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.Column("parked_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.CheckConstraint(
            "delivered_at IS NULL OR parked_at IS NULL", name=op.f("ck_outbox_message_delivered_or_parked")
        ),
        sa.CheckConstraint(
            "(parked_at IS NULL) OR (error IS NOT NULL)", name=op.f("ck_outbox_message_parked_with_error")
        ),
    )
    op.create_index(
        "ix_outbox_message_open", "outbox_message", ["announced_at"], postgresql_where=sa.text("delivered_at IS NULL")
    )
    op.create_index(
        "ix_outbox_message_delivered_at",
        "outbox_message",
        ["delivered_at"],
        postgresql_where=sa.text("delivered_at IS NOT NULL"),
    )
    op.create_table(
        "outbox_receipt",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "receiver", name=op.f("pk_outbox_receipt")),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["outbox_message.id"],
            name=op.f("fk_outbox_receipt_message_id"),
            ondelete="CASCADE",
        ),
    )
    for statement in (*grant("outbox_message"), *grant("outbox_receipt", "SELECT, INSERT, DELETE"), *POLICIES):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("outbox_receipt")
    op.drop_table("outbox_message")
