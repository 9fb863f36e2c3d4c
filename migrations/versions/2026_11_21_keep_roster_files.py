"""Keep files of rosters from the upload until they are applied, for whoever uploaded them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from academe.platform.database.ddl import grant, row_level_security

revision: str = "keep_roster_files"
down_revision: str | None = "name_the_source_of_data"

OWN = (
    "uploaded_by = (SELECT actor_person_id())"
    " AND offering_id IN (SELECT actor_offerings('{convenor}', '{registrar,administrator}'))"
)


def upgrade() -> None:
    op.create_table(
        "roster_upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid()),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("job_id", sa.Uuid()),
        sa.Column("result", JSONB(none_as_null=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("length(file_name) BETWEEN 1 AND 200", name=op.f("ck_roster_upload_file_name_length")),
        sa.CheckConstraint("result IS NULL OR job_id IS NOT NULL", name=op.f("ck_roster_upload_result_of_job")),
        sa.ForeignKeyConstraint(
            ["offering_id"], ["offering.id"], name="fk_roster_upload_offering_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by"], ["person.id"], name="fk_roster_upload_uploaded_by", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_roster_upload"),
    )
    op.create_index("ix_roster_upload_offering_id", "roster_upload", ["offering_id"])
    op.create_index("ix_roster_upload_uploaded_by_created_at", "roster_upload", ["uploaded_by", "created_at"])
    for statement in (*grant("roster_upload"), *row_level_security("roster_upload", read=OWN, write=OWN)):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("roster_upload")
