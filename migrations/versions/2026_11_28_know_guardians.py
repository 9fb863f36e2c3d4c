"""Know guardians: who looks after a student, and what the student lets them see."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security, touch

revision: str = "know_guardians"
down_revision: str | None = "sign_in_by_saml"

IN_FORCE = "current_date BETWEEN g.starts_on AND coalesce(g.ends_on, 'infinity')"
HEAD = """
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 3
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        RETURN QUERY
"""
FUNCTIONS = {
    # The student records of which the actor, as a guardian, may see a part: offerings, attendance or results.
    "actor_wards(part text)": f"""
        RETURNS SETOF uuid {HEAD}
        SELECT s.id FROM guardianship g JOIN student_record s ON s.person_id = g.student_id
        WHERE g.guardian_id = actor_person_id() AND {IN_FORCE}
          AND (NOT g.needs_consent OR CASE part WHEN 'offerings' THEN g.covers_offerings
               WHEN 'attendance' THEN g.covers_attendance WHEN 'results' THEN g.covers_results
               ELSE g.covers_offerings OR g.covers_attendance OR g.covers_results END);
    END $$
    """,
    # Whom the actor knows by a guardianship, by name: guardians their child, students their guardian.
    "actor_family()": f"""
        RETURNS SETOF uuid {HEAD}
        SELECT g.student_id FROM guardianship g WHERE g.guardian_id = actor_person_id() AND {IN_FORCE}
        UNION ALL
        SELECT g.guardian_id FROM guardianship g WHERE g.student_id = actor_person_id() AND {IN_FORCE};
    END $$
    """,
}
# What a student consents to is the student's alone to give: others may only take it away.
CONSENT = """
    CREATE FUNCTION check_guardian_consent() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('academe.actor_kind', true) IS DISTINCT FROM 'person' THEN
            RETURN NEW;
        END IF;
        IF actor_person_id() = NEW.student_id THEN
            IF TG_OP = 'INSERT' OR (NEW.guardian_id, NEW.student_id, NEW.starts_on, NEW.ends_on, NEW.needs_consent)
                IS DISTINCT FROM (OLD.guardian_id, OLD.student_id, OLD.starts_on, OLD.ends_on, OLD.needs_consent) THEN
                RAISE EXCEPTION 'students decide about their consent alone' USING ERRCODE = 'insufficient_privilege';
            END IF;
        ELSIF (NEW.covers_offerings AND (TG_OP = 'INSERT' OR NOT OLD.covers_offerings))
            OR (NEW.covers_attendance AND (TG_OP = 'INSERT' OR NOT OLD.covers_attendance))
            OR (NEW.covers_results AND (TG_OP = 'INSERT' OR NOT OLD.covers_results)) THEN
            RAISE EXCEPTION 'only the student consents' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END $$
"""
REGISTERED = "institution_id IN (SELECT actor_institutions('{registrar,administrator}'))"
POLICIES = row_level_security(
    "guardianship",
    read="guardian_id = (SELECT actor_person_id()) OR student_id = (SELECT actor_person_id())"
    " OR institution_id IN (SELECT actor_institutions('{registrar,administrator,auditor}'))",
    write=f"{REGISTERED} OR student_id = (SELECT actor_person_id())",
)
# Asked before `actor_reads` by their names; `ask_usual_policies_first` mends that.
SEEN = {
    "person": "id IN (SELECT actor_family())",
    "student_record": "id IN (SELECT actor_wards('any'))",
    "enrollment": "student_id IN (SELECT actor_wards('offerings'))",
    "attendance": "student_id IN (SELECT actor_wards('attendance'))",
    "result": "student_id IN (SELECT actor_wards('results'))",
}


def upgrade() -> None:
    create_guardianship()
    for signature, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {signature} {body}")
        op.execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO academe_app, academe_readonly")
    op.execute(CONSENT)
    op.execute(
        "CREATE TRIGGER check_consent BEFORE INSERT OR UPDATE ON guardianship"
        " FOR EACH ROW EXECUTE FUNCTION check_guardian_consent()"
    )
    op.execute(touch("guardianship"))
    for statement in (*grant("guardianship", "SELECT, INSERT, UPDATE"), *POLICIES):
        op.execute(statement)
    for table, condition in SEEN.items():
        op.execute(f"CREATE POLICY guardian_reads ON {table} FOR SELECT USING ({condition})")


def create_guardianship() -> None:
    def key(column: str, table: str) -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_guardianship_{column}", ondelete="RESTRICT")

    op.create_table(
        "guardianship",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("guardian_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), server_default=sa.text("CURRENT_DATE"), nullable=False),
        sa.Column("ends_on", sa.Date()),
        sa.Column("needs_consent", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        *(
            sa.Column(f"covers_{part}", sa.Boolean(), server_default=sa.text("false"), nullable=False)
            for part in ("offerings", "attendance", "results")
        ),
        sa.Column("consented_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("guardian_id <> student_id", name=op.f("ck_guardianship_of_another")),
        sa.CheckConstraint(
            "ends_on IS NULL OR ends_on >= starts_on - 1", name=op.f("ck_guardianship_ends_after_start")
        ),
        key("institution_id", "org_unit"),
        key("guardian_id", "person"),
        key("student_id", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_guardianship"),
    )
    for column in ("institution_id", "guardian_id", "student_id"):
        op.create_index(f"ix_guardianship_{column}", "guardianship", [column])
    op.execute(
        "ALTER TABLE guardianship ADD CONSTRAINT ex_guardianship_once EXCLUDE USING gist"
        " (guardian_id WITH =, student_id WITH =, (daterange(starts_on, ends_on + 1)) WITH &&)"
    )


def downgrade() -> None:
    for table in SEEN:
        op.execute(f"DROP POLICY guardian_reads ON {table}")
    op.drop_table("guardianship")
    op.execute("DROP FUNCTION check_guardian_consent()")
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
