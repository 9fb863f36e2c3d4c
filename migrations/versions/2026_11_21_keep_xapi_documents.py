"""Keep xAPI documents: states and profiles."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security

revision: str = "keep_xapi_documents"
down_revision: str | None = "keep_xapi_statements"

# Senders are programs, and Academe acts for them; no person reads or writes the table itself.
POLICIES = row_level_security("xapi_document", read="false")


def upgrade() -> None:
    create_xapi_document()
    op.create_index(
        "ix_xapi_document_agent",
        "xapi_document",
        ["agent_key", "activity_key"],
        postgresql_where=sa.text("agent_key IS NOT NULL"),
    )
    op.create_index(
        "ix_xapi_document_activity",
        "xapi_document",
        ["activity_key"],
        postgresql_where=sa.text("agent_key IS NULL"),
    )
    for statement in (*grant("xapi_document"), *POLICIES):
        op.execute(statement)


def create_xapi_document() -> None:
    op.create_table(
        "xapi_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("activity", sa.Text()),
        sa.Column("activity_key", sa.Uuid()),
        sa.Column("agent", sa.Text()),
        sa.Column("agent_key", sa.Uuid()),
        sa.Column("registration", sa.Uuid()),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('state', 'activity_profile', 'agent_profile')", name=op.f("ck_xapi_document_kind_known")
        ),
        sa.CheckConstraint(
            "(activity IS NOT NULL) = (kind <> 'agent_profile')"
            " AND (agent IS NOT NULL) = (kind <> 'activity_profile')"
            " AND (registration IS NULL OR kind = 'state')",
            name=op.f("ck_xapi_document_context_of_kind"),
        ),
        sa.CheckConstraint(
            "(activity IS NULL) = (activity_key IS NULL) AND (agent IS NULL) = (agent_key IS NULL)",
            name=op.f("ck_xapi_document_keys_of_texts"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_xapi_document"),
    )


def downgrade() -> None:
    op.drop_table("xapi_document")
