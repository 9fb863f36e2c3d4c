"""Encrypt sensitive fields with keys that the database holds only wrapped."""

import sqlalchemy as sa
from alembic import op

revision: str = "encrypt_sensitive_fields"
down_revision: str | None = "chain_the_audit"


def upgrade() -> None:
    op.create_table(
        "encryption_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("master_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encryption_key")),
    )
    # No DELETE: a key that is gone makes its fields unreadable for ever.
    op.execute("GRANT SELECT, INSERT, UPDATE ON encryption_key TO academe_app")


def downgrade() -> None:
    op.drop_table("encryption_key")
