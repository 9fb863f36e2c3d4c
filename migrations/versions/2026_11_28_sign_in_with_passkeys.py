"""Sign in with passkeys."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import row_level_security

revision: str = "sign_in_with_passkeys"
down_revision: str | None = "forward_xapi_statements"

TIME = sa.DateTime(timezone=True)

# As for other second factors: the holder makes them, administrators of the institution only take a lost one away.
SYSTEM = "(SELECT actor_is_system())"
VISIBLE = f"{SYSTEM} OR EXISTS (SELECT FROM account a WHERE a.id = passkey.account_id)"
OWN = (
    f"{SYSTEM} OR EXISTS (SELECT FROM account a WHERE a.id = passkey.account_id"
    " AND a.person_id = (SELECT actor_person_id()))"
)
STATEMENTS = (
    "ALTER TABLE passkey ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY actor_reads ON passkey FOR SELECT USING ({VISIBLE})",
    f"CREATE POLICY actor_inserts ON passkey FOR INSERT WITH CHECK ({OWN})",
    f"CREATE POLICY actor_updates ON passkey FOR UPDATE USING ({OWN}) WITH CHECK ({OWN})",
    f"CREATE POLICY actor_deletes ON passkey FOR DELETE USING ({VISIBLE})",
    *row_level_security("passkey_challenge", read="false"),
    "GRANT SELECT, INSERT, UPDATE, DELETE ON passkey TO academe_app",
    "GRANT SELECT, INSERT, DELETE ON passkey_challenge TO academe_app",
    "GRANT SELECT (id, account_id, name, created_at, last_used_at) ON passkey TO academe_readonly",
    "GRANT SELECT (id, account_id, expires_at) ON passkey_challenge TO academe_readonly",
)


def upgrade() -> None:
    op.create_table(
        "passkey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("last_used_at", TIME),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name=op.f("ck_passkey_name_length")),
        sa.CheckConstraint("length(credential_id) BETWEEN 1 AND 1023", name=op.f("ck_passkey_credential_id_length")),
        sa.CheckConstraint("sign_count >= 0", name=op.f("ck_passkey_sign_count_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_passkey_account_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_passkey"),
        sa.UniqueConstraint("credential_id", name="uq_passkey_credential_id"),
    )
    op.create_index("ix_passkey_account_id", "passkey", ["account_id"])
    op.create_table(
        "passkey_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_passkey_challenge_account_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_passkey_challenge"),
        sa.UniqueConstraint("token_hash", name="uq_passkey_challenge_token_hash"),
    )
    op.create_index("ix_passkey_challenge_account_id", "passkey_challenge", ["account_id"])
    op.create_index("ix_passkey_challenge_expires_at", "passkey_challenge", ["expires_at"])
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("passkey_challenge")
    op.drop_table("passkey")
