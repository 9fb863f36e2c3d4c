"""Know the identities that providers vouch for, several for a person."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security

revision: str = "know_sign_in_identities"
down_revision: str | None = "shape_the_organisation"

# As for accounts: one's own, and those of the people whom an administrator looks after.
OWN_OR_ADMINISTERED = (
    "person_id = (SELECT actor_person_id())"
    " OR EXISTS (SELECT FROM person p WHERE p.id = sign_in_identity.person_id"
    " AND p.institution_id IN (SELECT actor_institutions('{administrator}')))"
)


def upgrade() -> None:
    op.create_table(
        "sign_in_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("auth_provider", sa.Text(), nullable=False),
        sa.Column("auth_provider_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("length(auth_provider) BETWEEN 1 AND 100", name=op.f("ck_sign_in_identity_provider_length")),
        sa.CheckConstraint("length(auth_provider_id) BETWEEN 1 AND 255", name=op.f("ck_sign_in_identity_id_length")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_sign_in_identity_person_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_identity"),
        sa.UniqueConstraint(
            "auth_provider", "auth_provider_id", name="uq_sign_in_identity_auth_provider_auth_provider_id"
        ),
    )
    op.create_index("ix_sign_in_identity_person_id", "sign_in_identity", ["person_id"])
    for statement in (
        *row_level_security("sign_in_identity", read=OWN_OR_ADMINISTERED, write=OWN_OR_ADMINISTERED),
        *grant("sign_in_identity"),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("sign_in_identity")
