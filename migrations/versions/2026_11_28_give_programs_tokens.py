"""Give programs tokens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from academe.platform.database.ddl import row_level_security

revision: str = "give_programs_tokens"
down_revision: str | None = "act_as_another"

TIME = sa.DateTime(timezone=True)
SYSTEM = "(SELECT actor_is_system())"
OWN = "person_id = (SELECT actor_person_id())"
ADMINISTERED = (
    "EXISTS (SELECT FROM person p WHERE p.id = api_token.person_id"
    " AND p.institution_id IN (SELECT actor_institutions('{administrator}')))"
)
MANAGED = "institution_id IN (SELECT actor_institutions('{administrator}'))"
STATEMENTS = (
    # People make tokens for themselves alone; administrators may end them.
    *row_level_security("api_token", read=f"{OWN} OR {ADMINISTERED}", write=f"{OWN} OR {ADMINISTERED}"),
    f"ALTER POLICY actor_inserts ON api_token WITH CHECK ({SYSTEM} OR {OWN})",
    f"ALTER POLICY actor_deletes ON api_token USING ({SYSTEM})",
    *row_level_security("service_account", read=MANAGED, write=MANAGED),
    f"ALTER POLICY actor_deletes ON service_account USING ({SYSTEM})",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON api_token, service_account TO academe_app",
    "GRANT SELECT (id, person_id, name, scopes, created_at, expires_at, revoked_at) ON api_token TO academe_readonly",
    "GRANT SELECT (person_id, institution_id, scopes, created_at, revoked_at) ON service_account TO academe_readonly",
)


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("last_used_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name=op.f("ck_api_token_name_length")),
        sa.CheckConstraint("cardinality(scopes) > 0", name=op.f("ck_api_token_some_scope")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_api_token_person_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("token_hash", name="uq_api_token_token_hash"),
    )
    op.create_index("ix_api_token_person_id", "api_token", ["person_id"])
    op.create_index("ix_api_token_expires_at", "api_token", ["expires_at"])
    op.create_table(
        "service_account",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("last_used_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.CheckConstraint("cardinality(scopes) > 0", name=op.f("ck_service_account_some_scope")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_service_account_person_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_service_account_institution_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("person_id", name="pk_service_account"),
    )
    op.create_index("ix_service_account_institution_id", "service_account", ["institution_id"])
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("service_account")
    op.drop_table("api_token")
