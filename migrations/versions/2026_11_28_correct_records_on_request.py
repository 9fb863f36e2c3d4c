"""Correct records on request: what people say is wrong about them, and what was decided."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import row_level_security, touch

revision: str = "correct_records_on_request"
down_revision: str | None = "keep_queries_of_people"

TIME = sa.DateTime(timezone=True)
FIELDS = (
    "'display_name', 'given_name', 'middle_name', 'family_name', 'date_of_birth', 'contact_email', 'phone',"
    " 'student_number', 'enrolment', 'attendance', 'result', 'other'"
)
MINE = "person_id = (SELECT actor_person_id())"
KEPT = "institution_id IN (SELECT actor_institutions('{registrar,administrator}'))"
READERS = "institution_id IN (SELECT actor_institutions('{registrar,administrator,auditor}'))"
SYSTEM = "(SELECT actor_is_system())"
STATEMENTS = (
    *row_level_security("rectification_request", read=f"{MINE} OR {READERS}"),
    # People ask for themselves; they may take a request back, and others decide it.
    "DROP POLICY actor_inserts ON rectification_request",
    (
        f"CREATE POLICY actor_inserts ON rectification_request FOR INSERT WITH CHECK ({SYSTEM} OR ({MINE}"
        " AND institution_id = (SELECT actor_institution_id()) AND status = 'asked'))"
    ),
    "DROP POLICY actor_updates ON rectification_request",
    (
        f"CREATE POLICY actor_updates ON rectification_request FOR UPDATE USING ({SYSTEM} OR {MINE} OR {KEPT})"
        f" WITH CHECK ({SYSTEM} OR ({MINE} AND status = 'withdrawn') OR ({KEPT} AND NOT {MINE}))"
    ),
    (
        "GRANT SELECT, INSERT, UPDATE (status, wanted, reason, answer, decided_at, decided_by)"
        " ON rectification_request TO academe_app"
    ),
    "GRANT SELECT ON rectification_request TO academe_readonly",
    touch("rectification_request"),
)


def upgrade() -> None:
    def key(column: str, table: str) -> sa.ForeignKeyConstraint:
        name = f"fk_rectification_request_{column}"
        return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=name, ondelete="RESTRICT")

    op.create_table(
        "rectification_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("wanted", sa.LargeBinary()),
        sa.Column("reason", sa.LargeBinary()),
        sa.Column("status", sa.Text(), server_default="asked", nullable=False),
        sa.Column("answer", sa.LargeBinary()),
        sa.Column("decided_at", TIME),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(f"field IN ({FIELDS})", name=op.f("ck_rectification_request_field_known")),
        sa.CheckConstraint(
            "status IN ('asked', 'accepted', 'declined', 'withdrawn')",
            name=op.f("ck_rectification_request_status_known"),
        ),
        sa.CheckConstraint(
            "(status = 'asked') = (decided_at IS NULL)", name=op.f("ck_rectification_request_settled_at_a_time")
        ),
        sa.CheckConstraint("decided_by <> person_id", name=op.f("ck_rectification_request_decided_by_another")),
        key("institution_id", "org_unit"),
        key("person_id", "person"),
        key("decided_by", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_rectification_request"),
    )
    for column in ("institution_id", "person_id", "decided_by"):
        op.create_index(f"ix_rectification_request_{column}", "rectification_request", [column])
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("rectification_request")
