"""Give people a copy of everything that is kept about them."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import row_level_security

revision: str = "give_people_their_records"
down_revision: str | None = "merge_people"

TIME = sa.DateTime(timezone=True)
ACTOR = "(SELECT actor_person_id())"

STATEMENTS = (
    *row_level_security(
        "subject_export", read=f"person_id = {ACTOR} OR requested_by = {ACTOR}", write=f"requested_by = {ACTOR}"
    ),
    "GRANT SELECT, INSERT, UPDATE, DELETE ON subject_export TO academe_app",
)


def upgrade() -> None:
    op.create_table(
        "subject_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid()),
        sa.Column("requested_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("size", sa.BigInteger()),
        sa.Column("content", sa.LargeBinary()),
        sa.CheckConstraint("(size IS NULL) = (content IS NULL)", name=op.f("ck_subject_export_size_of_content")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_subject_export_person_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["person.id"], name="fk_subject_export_requested_by", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_subject_export"),
    )
    for column in ("person_id", "requested_by", "expires_at"):
        op.create_index(f"ix_subject_export_{column}", "subject_export", [column])
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("subject_export")
