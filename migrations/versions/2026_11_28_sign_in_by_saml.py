"""Sign in by SAML."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "sign_in_by_saml"
down_revision: str | None = "hold_records_and_erase_people"

KIND = "ck_identity_provider_kind_known"


def upgrade() -> None:
    op.drop_constraint(op.f(KIND), "identity_provider")
    op.create_check_constraint(op.f(KIND), "identity_provider", "kind IN ('oidc', 'saml')")
    op.add_column("identity_provider", sa.Column("sso_url", sa.Text()))
    op.add_column("identity_provider", sa.Column("certificates", sa.Text()))
    op.create_check_constraint(
        op.f("ck_identity_provider_saml_knows_its_provider"),
        "identity_provider",
        "(kind = 'saml') = (sso_url IS NOT NULL AND certificates IS NOT NULL)",
    )
    op.add_column("provider_sign_in", sa.Column("answer", JSONB()))


def downgrade() -> None:
    op.drop_column("provider_sign_in", "answer")
    op.drop_constraint(op.f("ck_identity_provider_saml_knows_its_provider"), "identity_provider")
    # Providers of a protocol that is not spoken any more open nothing.
    op.execute("DELETE FROM identity_provider WHERE kind = 'saml'")
    op.drop_column("identity_provider", "certificates")
    op.drop_column("identity_provider", "sso_url")
    op.drop_constraint(op.f(KIND), "identity_provider")
    op.create_check_constraint(op.f(KIND), "identity_provider", "kind IN ('oidc')")
