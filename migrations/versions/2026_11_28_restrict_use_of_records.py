"""Restrict the use of records: people whose data are kept and not used, and students out of the directory."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import row_level_security, touch

revision: str = "restrict_use_of_records"
down_revision: str | None = "correct_records_on_request"

TIME = sa.DateTime(timezone=True)
MINE = "person_id = (SELECT actor_person_id())"
KEEPERS = "institution_id IN (SELECT actor_institutions('{registrar,administrator}'))"
READERS = "institution_id IN (SELECT actor_institutions('{registrar,administrator,auditor}'))"
HEAD = """
    RETURNS SETOF uuid LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        RETURN QUERY
"""
FUNCTIONS = {
    "restricted_people()": f"{HEAD} SELECT p.id FROM person p WHERE p.is_restricted; END $$",
    "restricted_students()": f"""
        {HEAD} SELECT s.id FROM student_record s JOIN person p ON p.id = s.person_id WHERE p.is_restricted; END $$
    """,
    "restricted_enrollments()": f"""
        {HEAD} SELECT e.id FROM enrollment e WHERE e.student_id IN (SELECT restricted_students()); END $$
    """,
}
# A person's own row is the institution's to write; about the directory the person alone decides.
CHOOSE = """
    CREATE FUNCTION choose_directory(hidden boolean) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    BEGIN ATOMIC
        UPDATE person SET is_unlisted = hidden WHERE id = actor_person_id();
    END
"""
FOLLOW = """
    CREATE FUNCTION follow_restriction() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        UPDATE person p SET is_restricted = EXISTS (
            SELECT FROM processing_restriction r WHERE r.person_id = p.id AND r.lifted_at IS NULL)
        WHERE p.id = NEW.person_id OR TG_OP = 'UPDATE' AND p.id = OLD.person_id;
        RETURN NULL;
    END $$
"""
# Whatever else lets a row through, these keep it from everybody but Academe and the person: a restrictive policy is
# asked of each row that is let through, by hash, and the set behind it is empty but for an index of few people.
UNUSED = {
    "risk_score": "student_id = (SELECT actor_student_id()) OR student_id NOT IN (SELECT restricted_students())",
    "learner_day": (
        "enrollment_id NOT IN (SELECT restricted_enrollments()) OR EXISTS (SELECT FROM enrollment e"
        " WHERE e.id = enrollment_id AND e.student_id = (SELECT actor_student_id()))"
    ),
    "activity_day": "actor_id = (SELECT actor_person_id()) OR actor_id NOT IN (SELECT restricted_people())",
}
STATEMENTS = (
    *row_level_security("processing_restriction", read=f"{MINE} OR {READERS}", write=KEEPERS),
    ("GRANT SELECT, INSERT, UPDATE (lifted_at, lifted_by, lift_reason) ON processing_restriction TO academe_app"),
    "GRANT SELECT ON processing_restriction TO academe_readonly",
    touch("processing_restriction"),
    FOLLOW,
    (
        "CREATE TRIGGER follow_restriction AFTER INSERT OR UPDATE ON processing_restriction"
        " FOR EACH ROW EXECUTE FUNCTION follow_restriction()"
    ),
    CHOOSE,
    "REVOKE EXECUTE ON FUNCTION choose_directory(boolean) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION choose_directory(boolean) TO academe_app",
)

# Pages of the directory are cut by `find_people`: left out later, somebody would make a page short and end the list.
LEAVES_OUT = """
    CREATE FUNCTION directory_leaves_out() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        IF actor_directory_id() IN (SELECT actor_institutions('{registrar,administrator,auditor}')) THEN
            RETURN '';
        END IF;
        RETURN format(' AND (NOT p.is_unlisted AND NOT p.is_restricted OR p.id = %L)', actor_person_id());
    END $$
"""
FIND = "find_people(text[], text, uuid, text, uuid, date, text, uuid, boolean, integer)"
STATUS = "coalesce(' AND p.status = '"


def change_find_people(before: str, after: str) -> None:
    """Put one piece of `find_people` in the place of another, which must be there once."""
    op.execute(
        f"""
        DO $do$
        DECLARE
            written text := pg_get_functiondef('{FIND}'::regprocedure);
        BEGIN
            IF length(written) - length(replace(written, $b${before}$b$, '')) <> length($b${before}$b$) THEN
                RAISE EXCEPTION 'find_people is not as this migration knows it';
            END IF;
            EXECUTE replace(written, $b${before}$b$, $b${after}$b$);
        END $do$
        """
    )


def upgrade() -> None:
    for column in ("is_restricted", "is_unlisted"):
        op.add_column("person", sa.Column(column, sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index("ix_person_restricted", "person", ["id"], postgresql_where=sa.text("is_restricted"))
    create_processing_restriction()
    for statement in STATEMENTS:
        op.execute(statement)
    for signature, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {signature} {body}")
        op.execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO academe_app, academe_readonly")
    op.execute(LEAVES_OUT)
    op.execute("REVOKE EXECUTE ON FUNCTION directory_leaves_out() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION directory_leaves_out() TO academe_app, academe_readonly")
    change_find_people(STATUS, f"directory_leaves_out() || {STATUS}")
    for table, condition in UNUSED.items():
        op.execute(
            f"CREATE POLICY unrestricted ON {table} AS RESTRICTIVE FOR SELECT"
            f" USING ((SELECT actor_is_system()) OR {condition})"
        )


def create_processing_restriction() -> None:
    def key(column: str, table: str) -> sa.ForeignKeyConstraint:
        name = f"fk_processing_restriction_{column}"
        return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=name, ondelete="RESTRICT")

    op.create_table(
        "processing_restriction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Uuid()),
        sa.Column("lifted_at", TIME),
        sa.Column("lifted_by", sa.Uuid()),
        sa.Column("lift_reason", sa.Text()),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 1000", name=op.f("ck_processing_restriction_reason_length")),
        sa.CheckConstraint(
            "(lifted_at IS NULL) = (lift_reason IS NULL)", name=op.f("ck_processing_restriction_lifted_with_a_reason")
        ),
        sa.CheckConstraint(
            "length(lift_reason) BETWEEN 1 AND 1000", name=op.f("ck_processing_restriction_lift_reason_length")
        ),
        key("institution_id", "org_unit"),
        key("person_id", "person"),
        key("placed_by", "person"),
        key("lifted_by", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_processing_restriction"),
    )
    for column in ("institution_id", "person_id", "placed_by", "lifted_by"):
        op.create_index(f"ix_processing_restriction_{column}", "processing_restriction", [column])
    op.create_index(
        "uq_processing_restriction_in_force",
        "processing_restriction",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )


def downgrade() -> None:
    change_find_people(f"directory_leaves_out() || {STATUS}", STATUS)
    op.execute("DROP FUNCTION directory_leaves_out()")
    for table in UNUSED:
        op.execute(f"DROP POLICY unrestricted ON {table}")
    for signature in (*FUNCTIONS, "choose_directory(boolean)"):
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_table("processing_restriction")
    op.execute("DROP FUNCTION follow_restriction()")
    op.drop_index("ix_person_restricted", table_name="person")
    for column in ("is_unlisted", "is_restricted"):
        op.drop_column("person", column)
