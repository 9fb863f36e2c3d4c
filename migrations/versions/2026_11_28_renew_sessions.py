"""Renew the tokens of sessions when what they may do changes."""

import sqlalchemy as sa
from alembic import op

revision: str = "renew_sessions"
down_revision: str | None = "sign_in_by_e_mail"


def upgrade() -> None:
    op.add_column("account_session", sa.Column("privileges", sa.LargeBinary()))
    op.add_column("account_session", sa.Column("previous_token_hash", sa.LargeBinary()))
    op.add_column("account_session", sa.Column("renewed_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_account_session_renewed_with_its_time"),
        "account_session",
        "(previous_token_hash IS NULL) = (renewed_at IS NULL)",
    )
    op.create_index("ix_account_session_previous_token_hash", "account_session", ["previous_token_hash"])


def downgrade() -> None:
    for column in ("renewed_at", "previous_token_hash", "privileges"):
        op.drop_column("account_session", column)
