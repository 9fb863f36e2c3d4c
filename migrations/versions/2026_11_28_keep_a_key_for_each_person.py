"""Keep a key for each person, which can be destroyed alone."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import row_level_security

revision: str = "keep_a_key_for_each_person"
down_revision: str | None = "renew_sessions"

TIME = sa.DateTime(timezone=True)

# Only Academe itself asks for keys, through connections of its own; reporting tools have no use for them.
STATEMENTS = (
    *row_level_security("person_key", read="false"),
    *row_level_security("destroyed_person_key", read="false"),
    "GRANT SELECT, INSERT, UPDATE, DELETE ON person_key TO academe_app",
    "GRANT SELECT, INSERT ON destroyed_person_key TO academe_app",
)


def upgrade() -> None:
    op.create_table(
        "person_key",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("master_key", sa.Text(), nullable=False),
        sa.Column("made_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name="pk_person_key"),
    )
    op.create_table(
        "destroyed_person_key",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("destroyed_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name="pk_destroyed_person_key"),
    )
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("destroyed_person_key")
    op.drop_table("person_key")
