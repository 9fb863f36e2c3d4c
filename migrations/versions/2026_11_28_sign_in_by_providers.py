"""Sign in by providers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from academe.platform.database.ddl import row_level_security, touch

revision: str = "sign_in_by_providers"
down_revision: str | None = "know_more_about_people"

TIME = sa.DateTime(timezone=True)
SYSTEM = "(SELECT actor_is_system())"
ADMINISTERED = "institution_id IN (SELECT actor_institutions(ARRAY['administrator']))"
PERSON_LOOKED_AFTER = (
    "EXISTS (SELECT FROM person p WHERE p.id = sign_in_identity.person_id"
    " AND p.institution_id IN (SELECT actor_institutions('{administrator}')))"
)
LOOKED_AFTER = f"{SYSTEM} OR {PERSON_LOOKED_AFTER}"
BEFORE = f"{SYSTEM} OR (person_id = (SELECT actor_person_id()) OR {PERSON_LOOKED_AFTER})"
STATEMENTS = (
    # Its people see by what they may sign in; the secret is encrypted.
    *row_level_security(
        "identity_provider",
        read=f"institution_id = (SELECT actor_institution_id()) OR {ADMINISTERED}",
        write=ADMINISTERED,
    ),
    touch("identity_provider"),
    # Only what a provider has proved makes an identity; an administrator may move it where two persons are one.
    f"ALTER POLICY actor_inserts ON sign_in_identity WITH CHECK ({SYSTEM})",
    f"ALTER POLICY actor_updates ON sign_in_identity USING ({LOOKED_AFTER}) WITH CHECK ({LOOKED_AFTER})",
    # Who comes back is not known yet.
    *row_level_security("provider_sign_in", read="false"),
    "GRANT SELECT, INSERT, UPDATE, DELETE ON identity_provider, provider_sign_in TO academe_app",
    "GRANT SELECT, INSERT, DELETE ON seen_token TO academe_app",
    "GRANT SELECT (id, institution_id, kind, name, is_active, issuer) ON identity_provider TO academe_readonly",
    "GRANT SELECT ON seen_token TO academe_readonly",
    "GRANT SELECT (id, provider_id, person_id, expires_at) ON provider_sign_in TO academe_readonly",
)


def upgrade() -> None:
    op.create_table(
        "identity_provider",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.LargeBinary()),
        sa.Column("domains", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("unknown_person", sa.Text(), nullable=False),
        sa.Column("second_factor_values", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("kind IN ('oidc')", name=op.f("ck_identity_provider_kind_known")),
        sa.CheckConstraint(
            "unknown_person IN ('refuse', 'link')", name=op.f("ck_identity_provider_unknown_person_known")
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name=op.f("ck_identity_provider_name_length")),
        sa.CheckConstraint(
            "unknown_person <> 'link' OR cardinality(domains) > 0",
            name=op.f("ck_identity_provider_links_within_domains"),
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_identity_provider_institution_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_identity_provider"),
        sa.UniqueConstraint(
            "institution_id", "issuer", "client_id", name="uq_identity_provider_institution_id_issuer_client_id"
        ),
    )
    op.create_index("ix_identity_provider_institution_id", "identity_provider", ["institution_id"])
    op.add_column("sign_in_identity", sa.Column("provider_id", sa.Uuid()))
    op.create_foreign_key(
        "fk_sign_in_identity_provider_id",
        "sign_in_identity",
        "identity_provider",
        ["provider_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.drop_constraint("uq_sign_in_identity_auth_provider_auth_provider_id", "sign_in_identity")
    op.create_unique_constraint(
        "uq_sign_in_identity_provider_id_auth_provider_id", "sign_in_identity", ["provider_id", "auth_provider_id"]
    )
    op.create_index(
        "uq_sign_in_identity_told",
        "sign_in_identity",
        ["auth_provider", "auth_provider_id"],
        unique=True,
        postgresql_where="provider_id IS NULL",
    )
    op.create_table(
        "provider_sign_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("code_verifier", sa.LargeBinary(), nullable=False),
        sa.Column("next_path", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid()),
        sa.Column("subject", sa.Text()),
        sa.Column("shown_as", sa.Text()),
        sa.Column("expires_at", TIME, nullable=False),
        sa.CheckConstraint(
            "subject IS NULL OR person_id IS NOT NULL", name=op.f("ck_provider_sign_in_waits_for_its_person")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["identity_provider.id"], name="fk_provider_sign_in_provider_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_provider_sign_in_person_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_provider_sign_in"),
        sa.UniqueConstraint("token_hash", name="uq_provider_sign_in_token_hash"),
    )
    for column in ("provider_id", "person_id", "expires_at"):
        op.create_index(f"ix_provider_sign_in_{column}", "provider_sign_in", [column])
    op.create_table(
        "seen_token",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["identity_provider.id"], name="fk_seen_token_provider_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("provider_id", "token_id", name="pk_seen_token"),
    )
    op.create_index("ix_seen_token_expires_at", "seen_token", ["expires_at"])
    for table, when_gone in (("account_session", "SET NULL"), ("unfinished_sign_in", "CASCADE")):
        op.add_column(table, sa.Column("identity_id", sa.Uuid()))
        op.add_column(table, sa.Column("provider_session", sa.Text()))
        op.create_foreign_key(
            f"fk_{table}_identity_id", table, "sign_in_identity", ["identity_id"], ["id"], ondelete=when_gone
        )
        op.create_index(f"ix_{table}_identity_id", table, ["identity_id"])
    op.add_column(
        "account_session", sa.Column("factor_vouched", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_column("account_session", "factor_vouched")
    for table in ("unfinished_sign_in", "account_session"):
        op.drop_column(table, "provider_session")
        op.drop_column(table, "identity_id")
    op.execute(f"ALTER POLICY actor_updates ON sign_in_identity USING ({BEFORE}) WITH CHECK ({BEFORE})")
    op.execute(f"ALTER POLICY actor_inserts ON sign_in_identity WITH CHECK ({BEFORE})")
    # What providers have opened is of no use without them.
    op.execute("DELETE FROM sign_in_identity WHERE provider_id IS NOT NULL")
    op.drop_index("uq_sign_in_identity_told", "sign_in_identity")
    op.drop_column("sign_in_identity", "provider_id")
    op.create_unique_constraint(
        "uq_sign_in_identity_auth_provider_auth_provider_id", "sign_in_identity", ["auth_provider", "auth_provider_id"]
    )
    for table in ("seen_token", "provider_sign_in", "identity_provider"):
        op.drop_table(table)
