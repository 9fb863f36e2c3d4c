"""Keep xAPI attachments."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security

revision: str = "keep_xapi_attachments"
down_revision: str | None = "know_xapi_senders"

# Only the store itself reads and writes: it asks who may see the statement that an attachment belongs to.
POLICIES = row_level_security("xapi_attachment", read="false")


def upgrade() -> None:
    op.create_table(
        "xapi_attachment",
        sa.Column("sha2", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "sha2 ~ '^[0-9a-f]+$' AND length(sha2) IN (56, 64, 96, 128)", name=op.f("ck_xapi_attachment_sha2_of_family")
        ),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_xapi_attachment_digest_of_file")),
        sa.CheckConstraint("length >= 0", name=op.f("ck_xapi_attachment_length_counted")),
        sa.PrimaryKeyConstraint("sha2", name="pk_xapi_attachment"),
    )
    op.create_index("ix_xapi_attachment_digest", "xapi_attachment", ["digest"])
    for statement in (*grant("xapi_attachment", "SELECT, INSERT"), *POLICIES):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("xapi_attachment")
