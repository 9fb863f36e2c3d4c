"""Sign in by e-mail."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import row_level_security

revision: str = "sign_in_by_e_mail"
down_revision: str | None = "sign_in_with_passkeys"

OWN = "EXISTS (SELECT FROM account a WHERE a.id = {}.account_id AND a.person_id = (SELECT actor_person_id()))"
UNFINISHED = ("actor_reads", "actor_deletes")
TEMPLATES = "ck_mail_message_template_known"
SYSTEM = "(SELECT actor_is_system())"
STATEMENTS = (
    # Whoever comes with a link is nobody yet, so only the system uses it; holders end theirs with their password.
    *row_level_security("sign_in_link", read=OWN.format("sign_in_link")),
    "DROP POLICY actor_deletes ON sign_in_link",
    f"CREATE POLICY actor_deletes ON sign_in_link FOR DELETE USING ({SYSTEM} OR {OWN.format('sign_in_link')})",
    *(
        f"ALTER POLICY {policy} ON unfinished_sign_in USING ({SYSTEM} OR {OWN.format('unfinished_sign_in')})"
        for policy in UNFINISHED
    ),
    "GRANT SELECT, INSERT, DELETE ON sign_in_link TO academe_app",
    "GRANT SELECT (id, account_id, expires_at) ON sign_in_link TO academe_readonly",
)


def upgrade() -> None:
    op.create_table(
        "sign_in_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_sign_in_link_account_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_link"),
    )
    op.create_index("ix_sign_in_link_account_id", "sign_in_link", ["account_id"])
    op.create_index("ix_sign_in_link_expires_at", "sign_in_link", ["expires_at"])
    for statement in STATEMENTS:
        op.execute(statement)
    op.add_column("unfinished_sign_in", sa.Column("means", sa.Text(), server_default="password", nullable=False))
    op.drop_constraint(op.f(TEMPLATES), "mail_message")
    op.create_check_constraint(
        op.f(TEMPLATES), "mail_message", "template IN ('notification', 'digest', 'sign_in_link')"
    )


def downgrade() -> None:
    # Such a letter opens nothing without its link; nobody misses it.
    op.execute("DELETE FROM caught_mail USING mail_message m WHERE mail_id = m.id AND m.template = 'sign_in_link'")
    op.execute("DELETE FROM mail_message WHERE template = 'sign_in_link'")
    op.drop_constraint(op.f(TEMPLATES), "mail_message")
    op.create_check_constraint(op.f(TEMPLATES), "mail_message", "template IN ('notification', 'digest')")
    for policy in UNFINISHED:
        op.execute(f"ALTER POLICY {policy} ON unfinished_sign_in USING ({SYSTEM})")
    op.drop_column("unfinished_sign_in", "means")
    op.drop_table("sign_in_link")
