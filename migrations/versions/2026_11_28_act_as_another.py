"""Act as another: an administrator's session may stand in for a person for a while."""

import sqlalchemy as sa
from alembic import op

revision: str = "act_as_another"
down_revision: str | None = "give_people_their_records"


def upgrade() -> None:
    op.add_column("account_session", sa.Column("masquerades_as", sa.Uuid()))
    op.add_column("account_session", sa.Column("masquerade_until", sa.DateTime(timezone=True)))
    op.create_foreign_key(
        "fk_account_session_masquerades_as",
        "account_session",
        "person",
        ["masquerades_as"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.create_index("ix_account_session_masquerades_as", "account_session", ["masquerades_as"])
    op.create_check_constraint(
        op.f("ck_account_session_masquerade_is_bounded"),
        "account_session",
        "(masquerades_as IS NULL) = (masquerade_until IS NULL)",
    )


def downgrade() -> None:
    op.drop_column("account_session", "masquerade_until")
    op.drop_column("account_session", "masquerades_as")
