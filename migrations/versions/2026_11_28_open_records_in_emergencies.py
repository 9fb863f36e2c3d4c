"""Open records in emergencies: staff read one person's record for an hour, and auditors review it."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import row_level_security

revision: str = "open_records_in_emergencies"
down_revision: str | None = "give_programs_tokens"

TIME = sa.DateTime(timezone=True)
AUDITED = "institution_id IN (SELECT actor_institutions('{auditor,administrator}'))"
MINE = "opened_by = (SELECT actor_person_id())"
HEAD = """
    RETURNS SETOF uuid LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        RETURN QUERY
"""
FUNCTIONS = {
    # Whose record the actor has opened and may still read; whoever is no longer staff there may not.
    "actor_opened_people()": f"""
        {HEAD}
        SELECT o.person_id FROM emergency_opening o JOIN person p ON p.id = o.person_id
        WHERE o.opened_by = actor_person_id() AND o.closed_at IS NULL AND now() BETWEEN o.opened_at AND o.until
          AND p.institution_id = o.institution_id AND p.institution_id = actor_directory_id();
    END $$
    """,
    "actor_opened_students()": f"""
        {HEAD}
        SELECT s.id FROM student_record s WHERE s.person_id IN (SELECT actor_opened_people());
    END $$
    """,
    "actor_opened_enrollments()": f"""
        {HEAD}
        SELECT e.id FROM enrollment e WHERE e.student_id IN (SELECT actor_opened_students());
    END $$
    """,
}
# Policies beside `actor_reads`. They ask once for a statement, and before it; `ask_usual_policies_first` mends that.
OPENED = {
    "person_particulars": "person_id IN (SELECT actor_opened_people())",
    "guardianship": "student_id IN (SELECT actor_opened_people())",
    "activity_day": "actor_id IN (SELECT actor_opened_people())",
    "enrollment": "student_id IN (SELECT actor_opened_students())",
    "attendance": "student_id IN (SELECT actor_opened_students())",
    "result": "student_id IN (SELECT actor_opened_students())",
    "risk_score": "student_id IN (SELECT actor_opened_students())",
    "enrollment_status_change": "enrollment_id IN (SELECT actor_opened_enrollments())",
    "learner_day": "enrollment_id IN (SELECT actor_opened_enrollments())",
}
# Staff open in their own name, from now on; whoever opened closes, and leaves the review to others.
POLICIES = (
    *row_level_security("emergency_opening", read=f"{MINE} OR person_id = (SELECT actor_person_id()) OR {AUDITED}"),
    "DROP POLICY actor_inserts ON emergency_opening",
    (
        f"CREATE POLICY actor_inserts ON emergency_opening FOR INSERT WITH CHECK ((SELECT actor_is_system()) OR ({MINE}"
        " AND institution_id = (SELECT actor_directory_id()) AND opened_at <= now() AND reviewed_at IS NULL))"
    ),
    "DROP POLICY actor_updates ON emergency_opening",
    (
        f"CREATE POLICY actor_updates ON emergency_opening FOR UPDATE USING ((SELECT actor_is_system()) OR {MINE}"
        f" OR {AUDITED}) WITH CHECK ((SELECT actor_is_system()) OR ({MINE} AND reviewed_at IS NULL)"
        f" OR ({AUDITED} AND NOT {MINE}))"
    ),
    (
        "GRANT SELECT, INSERT, UPDATE (closed_at, reviewed_at, reviewed_by, review_note) ON emergency_opening"
        " TO academe_app"
    ),
    "GRANT SELECT ON emergency_opening TO academe_readonly",
)


def upgrade() -> None:
    create_emergency_opening()
    for signature, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {signature} {body}")
        op.execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO academe_app, academe_readonly")
    for statement in POLICIES:
        op.execute(statement)
    for table, condition in OPENED.items():
        op.execute(f"CREATE POLICY opening_reads ON {table} FOR SELECT USING ({condition})")


def create_emergency_opening() -> None:
    def key(column: str, table: str) -> sa.ForeignKeyConstraint:
        name = f"fk_emergency_opening_{column}"
        return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=name, ondelete="RESTRICT")

    op.create_table(
        "emergency_opening",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("until", TIME, server_default=sa.text("now() + interval '1 hour'"), nullable=False),
        sa.Column("closed_at", TIME),
        sa.Column("reviewed_at", TIME),
        sa.Column("reviewed_by", sa.Uuid()),
        sa.Column("review_note", sa.Text()),
        sa.CheckConstraint("length(reason) BETWEEN 10 AND 1000", name=op.f("ck_emergency_opening_reason_length")),
        sa.CheckConstraint("until <= opened_at + interval '1 hour'", name=op.f("ck_emergency_opening_an_hour_at_most")),
        sa.CheckConstraint("opened_by <> person_id", name=op.f("ck_emergency_opening_of_another")),
        sa.CheckConstraint("reviewed_by <> opened_by", name=op.f("ck_emergency_opening_reviewed_by_another")),
        sa.CheckConstraint(
            "(reviewed_at IS NULL) = (review_note IS NULL)", name=op.f("ck_emergency_opening_reviewed_with_a_note")
        ),
        sa.CheckConstraint(
            "length(review_note) BETWEEN 1 AND 1000", name=op.f("ck_emergency_opening_review_note_length")
        ),
        key("institution_id", "org_unit"),
        key("opened_by", "person"),
        key("person_id", "person"),
        key("reviewed_by", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_emergency_opening"),
    )
    for column in ("institution_id", "opened_by", "person_id", "reviewed_by"):
        op.create_index(f"ix_emergency_opening_{column}", "emergency_opening", [column])


def downgrade() -> None:
    for table in OPENED:
        op.execute(f"DROP POLICY opening_reads ON {table}")
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_table("emergency_opening")
