"""Ask for a second factor: authenticator apps, recovery codes, and sign-ins that wait for one of them."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import row_level_security

revision: str = "ask_for_a_second_factor"
down_revision: str | None = "forget_xapi_attachments"

TIME = sa.DateTime(timezone=True)

# The policy of accounts is asked inside, so VISIBLE is the holder and the administrators of the institution, who take
# a lost factor away and never make one for somebody.
SYSTEM = "(SELECT actor_is_system())"


def policies(table: str) -> tuple[str, ...]:
    visible = f"{SYSTEM} OR EXISTS (SELECT FROM account a WHERE a.id = {table}.account_id)"
    own = (
        f"{SYSTEM} OR EXISTS (SELECT FROM account a WHERE a.id = {table}.account_id"
        " AND a.person_id = (SELECT actor_person_id()))"
    )
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY actor_reads ON {table} FOR SELECT USING ({visible})",
        f"CREATE POLICY actor_inserts ON {table} FOR INSERT WITH CHECK ({own})",
        f"CREATE POLICY actor_updates ON {table} FOR UPDATE USING ({own}) WITH CHECK ({own})",
        f"CREATE POLICY actor_deletes ON {table} FOR DELETE USING ({visible})",
    )


# Reporting tools get no secrets and no hashes.
RIGHTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON totp_factor, recovery_code, unfinished_sign_in TO academe_app",
    "GRANT SELECT (account_id, created_at, confirmed_at) ON totp_factor TO academe_readonly",
    "GRANT SELECT (id, account_id, used_at) ON recovery_code TO academe_readonly",
    "GRANT SELECT (id, account_id, failures, expires_at) ON unfinished_sign_in TO academe_readonly",
)


def upgrade() -> None:
    op.create_table(
        "totp_factor",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("confirmed_at", TIME),
        sa.Column("last_step", sa.Integer()),
        sa.CheckConstraint(
            "(confirmed_at IS NULL) = (last_step IS NULL)", name=op.f("ck_totp_factor_confirmed_by_a_code")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_totp_factor_account_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", name="pk_totp_factor"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", TIME),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_recovery_code_account_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_code"),
        sa.UniqueConstraint("account_id", "code_hash", name="uq_recovery_code_account_id_code_hash"),
    )
    op.create_table(
        "unfinished_sign_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.CheckConstraint("failures BETWEEN 0 AND 5", name=op.f("ck_unfinished_sign_in_failures_bounded")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_unfinished_sign_in_account_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_unfinished_sign_in"),
        sa.UniqueConstraint("token_hash", name="uq_unfinished_sign_in_token_hash"),
    )
    op.create_index("ix_unfinished_sign_in_account_id", "unfinished_sign_in", ["account_id"])
    op.create_index("ix_unfinished_sign_in_expires_at", "unfinished_sign_in", ["expires_at"])
    # Between the password and the code nobody acts yet: only Academe itself sees and writes these.
    unfinished = row_level_security("unfinished_sign_in", read="false")
    for statement in (*RIGHTS, *policies("totp_factor"), *policies("recovery_code"), *unfinished):
        op.execute(statement)


def downgrade() -> None:
    for table in ("unfinished_sign_in", "recovery_code", "totp_factor"):
        op.drop_table(table)
