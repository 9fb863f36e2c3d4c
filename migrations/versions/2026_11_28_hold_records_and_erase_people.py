"""Hold the records of people for the law, and remember erasures."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security, touch

revision: str = "hold_records_and_erase_people"
down_revision: str | None = "date_and_delegate_roles"

TIME = sa.DateTime(timezone=True)
KEEPERS = "institution_id IN (SELECT actor_institutions('{registrar,administrator}'))"
READERS = "institution_id IN (SELECT actor_institutions('{registrar,administrator,auditor}'))"

STATEMENTS = (
    *row_level_security("legal_hold", read=READERS, write=KEEPERS),
    *grant("legal_hold", "SELECT, INSERT, UPDATE"),
    touch("legal_hold"),
    *row_level_security("erasure", read=READERS),
    *grant("erasure", "SELECT, INSERT"),
)


def upgrade() -> None:
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.Date()),
        sa.Column("placed_by", sa.Uuid()),
        sa.Column("lifted_at", TIME),
        sa.Column("lifted_by", sa.Uuid()),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 1000", name=op.f("ck_legal_hold_reason_length")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_legal_hold_institution_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_legal_hold_person_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["placed_by"], ["person.id"], name="fk_legal_hold_placed_by", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["lifted_by"], ["person.id"], name="fk_legal_hold_lifted_by", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_legal_hold"),
    )
    op.create_table(
        "erasure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("erased_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 1000", name=op.f("ck_erasure_reason_length")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_erasure_institution_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_erasure_person_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["requested_by"], ["person.id"], name="fk_erasure_requested_by", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
        sa.UniqueConstraint("person_id", name="uq_erasure_person_id"),
    )
    for table, column in (
        *(("legal_hold", each) for each in ("institution_id", "person_id", "placed_by", "lifted_by")),
        *(("erasure", each) for each in ("institution_id", "requested_by")),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column])
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("erasure")
    op.drop_table("legal_hold")
