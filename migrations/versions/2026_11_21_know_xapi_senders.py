"""Know the programs that send statements, by the hash of their secret."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from academe.platform.database.ddl import row_level_security

revision: str = "know_xapi_senders"
down_revision: str | None = "keep_xapi_documents"

TIME = sa.DateTime(timezone=True)

# Operators see which senders there are. A secret could open records of students, so they may not have one made.
SECURITY = row_level_security(
    "xapi_sender",
    read="institution_id IN (SELECT actor_institutions('{administrator,operator}'))",
    write="institution_id IN (SELECT actor_institutions('{administrator}'))",
)
# Senders are never deleted: they are revoked, and the record of who sent what stays. Reporting tools get no hashes.
READABLE_COLUMNS = (
    "(id, institution_id, name, key, secret_version, authority, authority_key, scopes, created_at, expires_at,"
    " revoked_at, last_used_at)"
)
RIGHTS = (
    "GRANT SELECT, INSERT, UPDATE ON xapi_sender TO academe_app",
    f"GRANT SELECT {READABLE_COLUMNS} ON xapi_sender TO academe_readonly",
)


def upgrade() -> None:
    op.create_table(
        "xapi_sender",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("secret_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("authority", postgresql.JSONB(), nullable=False),
        sa.Column("authority_key", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.Column("last_used_at", TIME),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_xapi_sender_name_length")),
        sa.CheckConstraint("key ~ '^[A-Za-z0-9][A-Za-z0-9._~-]{2,63}$'", name=op.f("ck_xapi_sender_key_form")),
        sa.CheckConstraint("length(secret_hash) = 32", name=op.f("ck_xapi_sender_secret_hash_length")),
        sa.CheckConstraint("secret_version > 0", name=op.f("ck_xapi_sender_secret_version_positive")),
        sa.CheckConstraint(
            "cardinality(scopes) > 0 AND scopes <@ ARRAY['statements/write', 'statements/read/mine', 'statements/read',"
            " 'state', 'define', 'profile', 'all/read', 'all']",
            name=op.f("ck_xapi_sender_scopes_known"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_xapi_sender"),
        sa.UniqueConstraint("key", name="uq_xapi_sender_key"),
    )
    op.create_index("ix_xapi_sender_institution_id", "xapi_sender", ["institution_id"])
    for statement in (*RIGHTS, *SECURITY):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("xapi_sender")
