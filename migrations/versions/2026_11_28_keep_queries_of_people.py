"""Keep queries of people."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security, touch

revision: str = "keep_queries_of_people"
down_revision: str | None = "word_messages"

TIME = sa.DateTime(timezone=True)
KEPT = "org_unit_id IN (SELECT actor_org_units('{registrar,administrator}'))"
CHECKS = (
    ("name_length", "length(name) BETWEEN 1 AND 100"),
    ("cohort_length", "length(cohort) BETWEEN 1 AND 100"),
    ("absences_bounded", "absences BETWEEN 1 AND 1000"),
)
KEYS = (
    *(("institution_id", "org_unit"), ("org_unit_id", "org_unit"), ("author_id", "person")),
    *(("program_id", "program"), ("term_id", "term")),
)


def upgrade() -> None:
    op.create_table(
        "people_query",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("institution_id", "org_unit_id", "author_id")),
        sa.Column("name", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Uuid()) for name in ("program_id", "term_id")),
        sa.Column("cohort", sa.Text()),
        sa.Column("absences", sa.SmallInteger()),
        sa.Column("removed_at", TIME),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False),
        *(sa.CheckConstraint(condition, name=op.f(f"ck_people_query_{name}")) for name, condition in CHECKS),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_people_query_{column}", ondelete="RESTRICT")
            for column, table in KEYS
        ),
        sa.PrimaryKeyConstraint("id", name="pk_people_query"),
    )
    op.create_index("ix_people_query_org_unit_id_name", "people_query", ["org_unit_id", "name", "id"])
    security = row_level_security("people_query", read=KEPT, write=KEPT)
    for statement in (touch("people_query"), *grant("people_query", "SELECT, INSERT, UPDATE"), *security):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("people_query")
