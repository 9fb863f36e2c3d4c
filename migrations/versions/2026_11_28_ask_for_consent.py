"""Ask for consent: texts in versions, and what people decided about each."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import row_level_security

revision: str = "ask_for_consent"
down_revision: str | None = "restrict_use_of_records"

TIME = sa.DateTime(timezone=True)
MINE = "person_id = (SELECT actor_person_id())"
KEPT = (
    "SELECT t.id FROM consent_text t WHERE t.institution_id IN (SELECT actor_institutions('{administrator,auditor}'))"
)
ASKED = "SELECT t.id FROM consent_text t WHERE t.is_current AND t.institution_id = (SELECT actor_institution_id())"
STATEMENTS = (
    *row_level_security(
        "consent_text",
        read="institution_id = (SELECT actor_institution_id())",
        write="institution_id IN (SELECT actor_institutions('{administrator}'))",
    ),
    "GRANT SELECT, INSERT, UPDATE (is_current) ON consent_text TO academe_app",
    "GRANT SELECT ON consent_text TO academe_readonly",
    # People decide for themselves about what is asked for now; what they decided is never changed.
    *row_level_security(
        "consent_decision",
        read=f"{MINE} OR text_id IN ({KEPT})",
        write=f"{MINE} AND text_id IN ({ASKED})",
    ),
    "GRANT SELECT, INSERT ON consent_decision TO academe_app",
    "GRANT SELECT ON consent_decision TO academe_readonly",
)


def upgrade() -> None:
    op.create_table(
        "consent_text",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), server_default="en", nullable=False),
        sa.Column("is_current", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("published_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("published_by", sa.Uuid()),
        sa.CheckConstraint("purpose ~ '^[a-z][a-z0-9_]{0,59}$'", name=op.f("ck_consent_text_purpose_shape")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_consent_text_version_positive")),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 200", name=op.f("ck_consent_text_title_length")),
        sa.CheckConstraint("length(body) BETWEEN 1 AND 20000", name=op.f("ck_consent_text_body_length")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_consent_text_institution_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["published_by"], ["person.id"], name="fk_consent_text_published_by", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consent_text"),
        sa.UniqueConstraint(
            "institution_id", "purpose", "version", name="uq_consent_text_institution_id_purpose_version"
        ),
    )
    op.create_index("ix_consent_text_published_by", "consent_text", ["published_by"])
    op.create_index(
        "uq_consent_text_current",
        "consent_text",
        ["institution_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("is_current"),
    )
    op.create_table(
        "consent_decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("text_id", sa.Uuid(), nullable=False),
        sa.Column("is_given", sa.Boolean(), nullable=False),
        sa.Column("decided_at", TIME, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_consent_decision_person_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["text_id"], ["consent_text.id"], name="fk_consent_decision_text_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consent_decision"),
    )
    op.create_index("ix_consent_decision_text_id", "consent_decision", ["text_id"])
    op.create_index("ix_consent_decision_person_id_text_id", "consent_decision", ["person_id", "text_id", "decided_at"])
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("consent_decision")
    op.drop_table("consent_text")
