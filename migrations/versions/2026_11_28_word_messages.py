"""Word messages."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security, touch

revision: str = "word_messages"
down_revision: str | None = "tell_programs_by_webhooks"

TIME = sa.DateTime(timezone=True)
ADMINISTERED = "institution_id IN (SELECT actor_institutions('{administrator}'))"
# Whoever announces something chooses a template: staff see those of their institution. Versions are never changed.
SECURITY = (
    *row_level_security("message_template", read="institution_id = (SELECT actor_directory_id())", write=ADMINISTERED),
    *row_level_security(
        "message_template_text",
        read="template_id IN (SELECT id FROM message_template)",
        write=(
            "author_id = (SELECT actor_person_id())"
            f" AND template_id IN (SELECT id FROM message_template WHERE {ADMINISTERED})"
        ),
    ),
)
RIGHTS = (
    touch("message_template"),
    *grant("message_template", "SELECT, INSERT, UPDATE"),
    *grant("message_template_text", "SELECT, INSERT"),
)


def upgrade() -> None:
    op.create_table(
        "message_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name=op.f("ck_message_template_name_length")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_message_template_version_positive")),
        _key("message_template", "institution_id", "org_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_message_template"),
    )
    op.create_index("ix_message_template_institution_id_name", "message_template", ["institution_id", "name", "id"])
    op.create_index(
        "uq_message_template_institution_id_kind",
        "message_template",
        ["institution_id", "kind"],
        unique=True,
        postgresql_where=sa.text("kind <> 'announcement'"),
    )
    _make_texts()
    op.add_column("announcement", sa.Column("template_id", sa.Uuid()))
    op.create_foreign_key(
        "fk_announcement_template_id", "announcement", "message_template", ["template_id"], ["id"], ondelete="RESTRICT"
    )
    for statement in (*RIGHTS, *SECURITY):
        op.execute(statement)


def _make_texts() -> None:
    op.create_table(
        "message_template_text",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), server_default="", nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("written_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "language ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$'", name=op.f("ck_message_template_text_language_tag")
        ),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_message_template_text_{name}_length"))
            for name, condition in (
                ("subject", "length(subject) BETWEEN 1 AND 200"),
                ("text", "length(text) BETWEEN 1 AND 4000"),
                ("html", "length(html) <= 20000"),
            )
        ),
        _key("message_template_text", "template_id", "message_template"),
        _key("message_template_text", "author_id", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_message_template_text"),
        sa.UniqueConstraint(
            "template_id", "version", "language", name="uq_message_template_text_template_id_version_language"
        ),
    )


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}", ondelete="RESTRICT")


def downgrade() -> None:
    op.drop_constraint("fk_announcement_template_id", "announcement", type_="foreignkey")
    op.drop_column("announcement", "template_id")
    op.drop_table("message_template_text")
    op.drop_table("message_template")
