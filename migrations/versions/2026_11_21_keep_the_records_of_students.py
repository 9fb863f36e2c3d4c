"""Keep the records of students: enrolments, attendance and results, each seen by those who answer for it."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import append_only, grant, row_level_security, touch

revision: str = "keep_the_records_of_students"
down_revision: str | None = "offer_units_in_terms"

TABLES = (
    "offering_staff",
    "student_record",
    "student_protected_attributes",
    "enrollment",
    "enrollment_status_change",
    "attendance",
    "result",
)

FUNCTIONS = {
    # Offerings in which one of the first roles is held, and those of nodes at or below which one of the second is.
    "actor_offerings(in_offering text[], at_node text[])": """
        RETURNS SETOF uuid LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
        SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            RETURN QUERY
            SELECT s.offering_id FROM offering_staff s
            WHERE s.person_id = actor_person_id() AND s.role = ANY (in_offering)
            UNION ALL
            SELECT o.id FROM offering o WHERE o.org_unit_id IN (SELECT actor_org_units(at_node));
        END $$
    """,
    "actor_student_id()": """
        RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
        SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            RETURN (SELECT s.id FROM student_record s WHERE s.person_id = actor_person_id());
        END $$
    """,
    # Who teaches the actor.
    "actor_teachers()": """
        RETURNS SETOF uuid LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 10
        SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            RETURN QUERY
            SELECT t.person_id FROM enrollment e JOIN offering_staff t USING (offering_id)
            WHERE e.student_id = actor_student_id();
        END $$
    """,
}

# Those who teach an offering are staff too; without the condition, this is the function of identity.
TEACHES = "EXISTS (SELECT FROM offering_staff s WHERE s.person_id = p.id) OR"
DIRECTORY = """
    CREATE OR REPLACE FUNCTION actor_directory_id()
    RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        RETURN (
            SELECT p.institution_id FROM person p
            WHERE p.id = actor_person_id() AND ({teaches} EXISTS (
                SELECT FROM role_grant g
                WHERE g.person_id = p.id
                  AND g.role IN ('lecturer', 'convenor', 'advisor', 'registrar', 'administrator', 'auditor')
                  AND current_date BETWEEN g.starts_on AND coalesce(g.ends_on, 'infinity')
            ))
        );
    END $$
"""

READ = "(SELECT actor_offerings('{lecturer,convenor}', '{advisor,registrar,administrator,auditor}'))"
MARK = "(SELECT actor_offerings('{lecturer,convenor}', '{registrar,administrator}'))"
ENROL = "(SELECT actor_offerings('{convenor}', '{registrar,administrator}'))"
REGISTER = "(SELECT actor_offerings('{}', '{registrar,administrator}'))"
INSTITUTION = "(SELECT actor_institutions('{registrar,administrator}'))"
OWN = "student_id = (SELECT actor_student_id())"

# Who teaches what is public inside an institution.
STAFF = row_level_security(
    "offering_staff",
    read="EXISTS (SELECT FROM offering o WHERE o.id = offering_staff.offering_id"
    " AND o.institution_id = (SELECT actor_institution_id()))",
    write=f"offering_id IN {REGISTER}",
)
# Numbers belong to the directory, as names do.
RECORD = row_level_security(
    "student_record",
    read="institution_id = (SELECT actor_directory_id()) OR person_id = (SELECT actor_person_id())",
    write=f"institution_id IN {INSTITUTION}",
)
PROTECTED = row_level_security(
    "student_protected_attributes",
    read=f"student_id IN (SELECT s.id FROM student_record s WHERE s.institution_id IN {INSTITUTION})"
    " OR EXISTS (SELECT FROM enrollment e WHERE e.student_id = student_protected_attributes.student_id"
    f" AND e.offering_id IN {REGISTER})",
    write=f"student_id IN (SELECT s.id FROM student_record s WHERE s.institution_id IN {INSTITUTION})",
)
ENROLLMENT = row_level_security("enrollment", read=f"offering_id IN {READ} OR {OWN}", write=f"offering_id IN {ENROL}")
STATUS_CHANGE = row_level_security(
    "enrollment_status_change",
    read=f"offering_id IN {READ} OR EXISTS (SELECT FROM enrollment e"
    f" WHERE e.id = enrollment_status_change.enrollment_id AND e.{OWN})",
    write=f"offering_id IN {ENROL}",
)
ATTENDANCE = row_level_security("attendance", read=f"offering_id IN {READ} OR {OWN}", write=f"offering_id IN {MARK}")
RESULT = row_level_security("result", read=f"offering_id IN {READ} OR {OWN}", write=f"offering_id IN {MARK}")

# Policies of identity's tables that follow from what is taught: students know who teaches them, and those who look
# after students can reach them.
OF_LOOKED_AFTER = (
    "EXISTS (SELECT FROM student_record s JOIN enrollment e ON e.student_id = s.id"
    f" WHERE s.person_id = person_particulars.person_id AND e.offering_id IN {READ})"
)
ACROSS = (
    "CREATE POLICY student_reads_teachers ON person FOR SELECT USING (id IN (SELECT actor_teachers()))",
    f"CREATE POLICY carer_reads ON person_particulars FOR SELECT USING ({OF_LOOKED_AFTER})",
)

RIGHTS = (
    *grant("offering_staff"),
    *grant("student_record", "SELECT, INSERT, UPDATE"),
    *grant("student_protected_attributes"),
    *grant("enrollment", "SELECT, INSERT, UPDATE"),
    *grant("enrollment_status_change", "SELECT, INSERT"),
    *grant("attendance"),
    *grant("result"),
)


def upgrade() -> None:
    create_offering_staff()
    create_student_record()
    create_student_protected_attributes()
    create_enrollment()
    create_enrollment_status_change()
    create_attendance()
    create_result()
    for signature, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {signature} {body}")
        op.execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO academe_app, academe_readonly")
    op.execute(DIRECTORY.format(teaches=TEACHES))
    for table in TABLES:
        if table != "enrollment_status_change":
            op.execute(touch(table))
    for statement in append_only("enrollment_status_change"):
        op.execute(statement)
    for policies in (STAFF, RECORD, PROTECTED, ENROLLMENT, STATUS_CHANGE, ATTENDANCE, RESULT, ACROSS, RIGHTS):
        for statement in policies:
            op.execute(statement)


def timestamps() -> tuple[sa.Column[datetime], sa.Column[datetime]]:
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def create_offering_staff() -> None:
    op.create_table(
        "offering_staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        *timestamps(),
        sa.CheckConstraint("role IN ('lecturer', 'convenor')", name=op.f("ck_offering_staff_role_known")),
        sa.ForeignKeyConstraint(
            ["offering_id"], ["offering.id"], name="fk_offering_staff_offering_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_offering_staff_person_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_offering_staff"),
        sa.UniqueConstraint("offering_id", "person_id", "role", name="uq_offering_staff_offering_id_person_id_role"),
    )
    op.create_index("ix_offering_staff_person_id", "offering_staff", ["person_id"])


def create_student_record() -> None:
    op.create_table(
        "student_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid()),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("cohort", sa.Text()),
        *timestamps(),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_student_record_institution_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_student_record_person_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["program_id"], ["program.id"], name="fk_student_record_program_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_student_record"),
        sa.UniqueConstraint("institution_id", "number", name="uq_student_record_institution_id_number"),
        sa.UniqueConstraint("person_id", name="uq_student_record_person_id"),
    )
    op.create_index("ix_student_record_program_id", "student_record", ["program_id"])


def create_student_protected_attributes() -> None:
    op.create_table(
        "student_protected_attributes",
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("gender", sa.Text()),
        sa.Column("ethnicity", sa.Text()),
        sa.Column("socioeconomic_status", sa.Text()),
        sa.Column("special_education_status", sa.Text()),
        sa.Column("english_learner_status", sa.Text()),
        sa.Column("age_band", sa.Text()),
        sa.Column("region", sa.Text()),
        sa.Column("prior_education", sa.Text()),
        *timestamps(),
        sa.ForeignKeyConstraint(
            ["student_id"],
            ["student_record.id"],
            name="fk_student_protected_attributes_student_id",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("student_id", name="pk_student_protected_attributes"),
    )


def create_enrollment() -> None:
    op.create_table(
        "enrollment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("enrolled_on", sa.Date()),
        sa.Column("withdrawn_on", sa.Date()),
        sa.Column("previous_attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("studied_credits", sa.SmallInteger()),
        sa.Column("outcome", sa.Text()),
        sa.Column("outcome_on", sa.Date()),
        *timestamps(),
        sa.CheckConstraint(
            "(status = 'withdrawn') = (withdrawn_on IS NOT NULL)", name=op.f("ck_enrollment_withdrawn_has_day")
        ),
        sa.CheckConstraint(
            "outcome IN ('distinction', 'pass', 'fail', 'withdrawn')", name=op.f("ck_enrollment_outcome_known")
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'waitlisted', 'enrolled', 'withdrawn', 'completed', 'rejected')",
            name=op.f("ck_enrollment_status_known"),
        ),
        sa.CheckConstraint("(outcome IS NULL) = (outcome_on IS NULL)", name=op.f("ck_enrollment_outcome_has_day")),
        sa.CheckConstraint("previous_attempts >= 0", name=op.f("ck_enrollment_previous_attempts_not_negative")),
        sa.CheckConstraint("studied_credits >= 0", name=op.f("ck_enrollment_studied_credits_not_negative")),
        sa.ForeignKeyConstraint(
            ["offering_id"], ["offering.id"], name="fk_enrollment_offering_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["student_record.id"], name="fk_enrollment_student_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollment"),
        sa.UniqueConstraint("offering_id", "student_id", name="uq_enrollment_offering_id_student_id"),
    )
    op.create_index("ix_enrollment_student_id", "enrollment", ["student_id"])


def create_enrollment_status_change() -> None:
    op.create_table(
        "enrollment_status_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("recorded_by", sa.Uuid()),
        sa.CheckConstraint(
            "status IN ('requested', 'waitlisted', 'enrolled', 'withdrawn', 'completed', 'rejected')",
            name=op.f("ck_enrollment_status_change_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollment.id"], name="fk_enrollment_status_change_enrollment_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["offering_id"], ["offering.id"], name="fk_enrollment_status_change_offering_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["person.id"], name="fk_enrollment_status_change_recorded_by", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollment_status_change"),
    )
    op.create_index("ix_enrollment_status_change_enrollment_id", "enrollment_status_change", ["enrollment_id"])
    op.create_index("ix_enrollment_status_change_offering_id", "enrollment_status_change", ["offering_id"])
    op.create_index("ix_enrollment_status_change_recorded_by", "enrollment_status_change", ["recorded_by"])


def create_attendance() -> None:
    op.create_table(
        "attendance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("minutes_late", sa.SmallInteger()),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("recorded_by", sa.Uuid()),
        *timestamps(),
        sa.CheckConstraint(
            "(minutes_late IS NOT NULL) = (status = 'tardy')", name=op.f("ck_attendance_minutes_late_when_tardy")
        ),
        sa.CheckConstraint(
            "status IN ('present', 'absent', 'tardy', 'excused')", name=op.f("ck_attendance_status_known")
        ),
        sa.CheckConstraint("minutes_late BETWEEN 1 AND 600", name=op.f("ck_attendance_minutes_late_range")),
        sa.ForeignKeyConstraint(
            ["meeting_id", "offering_id"],
            ["meeting.id", "meeting.offering_id"],
            name="fk_attendance_meeting_id_offering_id",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name="fk_attendance_recorded_by", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["student_id"], ["student_record.id"], name="fk_attendance_student_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_attendance"),
        sa.UniqueConstraint("meeting_id", "student_id", name="uq_attendance_meeting_id_student_id"),
    )
    op.create_index("ix_attendance_offering_id_student_id", "attendance", ["offering_id", "student_id"])
    op.create_index("ix_attendance_recorded_by", "attendance", ["recorded_by"])
    op.create_index("ix_attendance_student_id_date", "attendance", ["student_id", "date"])


def create_result() -> None:
    op.create_table(
        "result",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("max_score", sa.Numeric(precision=7, scale=2), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("submitted_on", sa.Date()),
        sa.Column("marked_on", sa.Date()),
        sa.Column("score", sa.Numeric(precision=7, scale=2)),
        sa.Column("carried_over", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        *timestamps(),
        sa.CheckConstraint("score >= 0 AND score <= max_score", name=op.f("ck_result_score_range")),
        sa.ForeignKeyConstraint(
            ["assessment_id", "offering_id", "max_score"],
            ["assessment.id", "assessment.offering_id", "assessment.max_score"],
            name="fk_result_assessment_id_offering_id_max_score",
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["student_record.id"], name="fk_result_student_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_result"),
        sa.UniqueConstraint("assessment_id", "student_id", name="uq_result_assessment_id_student_id"),
    )
    op.create_index("ix_result_offering_id", "result", ["offering_id"])
    op.create_index("ix_result_student_id_offering_id", "result", ["student_id", "offering_id"])


def downgrade() -> None:
    op.execute("DROP POLICY actor_reads ON student_protected_attributes")  # it asks enrolments
    op.execute("DROP POLICY carer_reads ON person_particulars")
    op.execute("DROP POLICY student_reads_teachers ON person")
    op.execute(DIRECTORY.format(teaches=""))
    for table in reversed(TABLES):
        op.drop_table(table)
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
