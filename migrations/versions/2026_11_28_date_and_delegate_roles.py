"""Date and delegate roles: those in an offering have days, convenors appoint tutors, and each says who gave it."""

import sqlalchemy as sa
from alembic import op

revision: str = "date_and_delegate_roles"
down_revision: str | None = "sign_in_by_providers"

ROLES = (
    "'student', 'guardian', 'lecturer', 'convenor', {tutor}'advisor', 'expert', 'registrar', 'administrator',"
    " 'operator', 'auditor'"
)
IN_FORCE = "current_date BETWEEN s.starts_on AND coalesce(s.ends_on, 'infinity')"
NODE_ROLE_IN_FORCE = "current_date BETWEEN g.starts_on AND coalesce(g.ends_on, 'infinity')"
HEAD = """
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER {rows}
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
"""

# A tutor does what a lecturer does, for as long as the appointment lasts.
OFFERINGS = """
    CREATE OR REPLACE FUNCTION actor_offerings(in_offering text[], at_node text[]) RETURNS SETOF uuid
    {head}
        RETURN QUERY
        SELECT s.offering_id FROM offering_staff s
        WHERE s.person_id = actor_person_id() AND {held}
        UNION ALL
        SELECT o.id FROM offering o WHERE o.org_unit_id IN (SELECT actor_org_units(at_node));
    END $$
"""
DIRECTORY = """
    CREATE OR REPLACE FUNCTION actor_directory_id() RETURNS uuid
    {head}
        RETURN (
            SELECT p.institution_id FROM person p
            WHERE p.id = actor_person_id() AND (
                EXISTS (SELECT FROM offering_staff s WHERE s.person_id = p.id{dated})
                OR EXISTS (
                    SELECT FROM role_grant g
                    WHERE g.person_id = p.id
                      AND g.role IN ('lecturer', 'convenor', 'advisor', 'registrar', 'administrator', 'auditor')
                      AND {node}
                )
            )
        );
    END $$
"""
TEACHERS = """
    CREATE OR REPLACE FUNCTION actor_teachers() RETURNS SETOF uuid
    {head}
        RETURN QUERY
        SELECT s.person_id FROM enrollment e JOIN offering_staff s USING (offering_id)
        WHERE e.student_id = actor_student_id(){dated};
    END $$
"""


def upgrade() -> None:
    for table in ("role_grant", "offering_staff"):
        op.add_column(table, sa.Column("granted_by", sa.Uuid()))
        op.create_foreign_key(f"fk_{table}_granted_by", table, "person", ["granted_by"], ["id"], ondelete="RESTRICT")
        op.create_index(f"ix_{table}_granted_by", table, ["granted_by"])
    op.add_column(
        "offering_staff", sa.Column("starts_on", sa.Date(), server_default=sa.text("CURRENT_DATE"), nullable=False)
    )
    op.add_column("offering_staff", sa.Column("ends_on", sa.Date()))
    op.execute("UPDATE offering_staff SET starts_on = created_at::date")
    op.create_check_constraint(
        op.f("ck_offering_staff_ends_after_start"), "offering_staff", "ends_on IS NULL OR ends_on >= starts_on - 1"
    )
    op.drop_constraint("uq_offering_staff_offering_id_person_id_role", "offering_staff")
    op.execute(
        "ALTER TABLE offering_staff ADD CONSTRAINT ex_offering_staff_held_once EXCLUDE USING gist"
        " (offering_id WITH =, person_id WITH =, role WITH =, (daterange(starts_on, ends_on + 1)) WITH &&)"
    )
    op.create_index("ix_offering_staff_offering_id", "offering_staff", ["offering_id"])
    set_vocabularies(tutor=True)
    set_functions(dated=True)
    # Convenors appoint tutors for their offering and end that; everybody else is appointed by those who keep records.
    op.execute(
        "CREATE POLICY convenor_appoints ON offering_staff FOR ALL"
        " USING (role = 'tutor' AND offering_id IN (SELECT actor_offerings('{convenor}', '{}')))"
        " WITH CHECK (role = 'tutor' AND offering_id IN (SELECT actor_offerings('{convenor}', '{}')))"
    )


def set_vocabularies(*, tutor: bool) -> None:
    op.drop_constraint(op.f("ck_second_factor_rule_role_known"), "second_factor_rule")
    roles = ROLES.format(tutor="'tutor', " if tutor else "")
    op.create_check_constraint(op.f("ck_second_factor_rule_role_known"), "second_factor_rule", f"role IN ({roles})")
    op.drop_constraint(op.f("ck_offering_staff_role_known"), "offering_staff")
    staff = "'lecturer', 'convenor', 'tutor'" if tutor else "'lecturer', 'convenor'"
    op.create_check_constraint(op.f("ck_offering_staff_role_known"), "offering_staff", f"role IN ({staff})")


def set_functions(*, dated: bool) -> None:
    held = "s.role = ANY (in_offering)"
    if dated:
        held = f"({held} OR s.role = 'tutor' AND 'lecturer' = ANY (in_offering)) AND {IN_FORCE}"
    day = f" AND {IN_FORCE}" if dated else ""
    op.execute(OFFERINGS.format(head=HEAD.format(rows="ROWS 50"), held=held))
    op.execute(DIRECTORY.format(head=HEAD.format(rows=""), dated=day, node=NODE_ROLE_IN_FORCE))
    op.execute(TEACHERS.format(head=HEAD.format(rows="ROWS 10"), dated=day))


def downgrade() -> None:
    op.execute("DROP POLICY convenor_appoints ON offering_staff")
    set_functions(dated=False)
    op.execute("DELETE FROM offering_staff WHERE role = 'tutor' OR ends_on IS NOT NULL")
    op.execute("DELETE FROM second_factor_rule WHERE role = 'tutor'")
    set_vocabularies(tutor=False)
    op.drop_index("ix_offering_staff_offering_id", "offering_staff")
    op.drop_constraint("ex_offering_staff_held_once", "offering_staff")
    op.create_unique_constraint(
        "uq_offering_staff_offering_id_person_id_role", "offering_staff", ["offering_id", "person_id", "role"]
    )
    for column in ("ends_on", "starts_on", "granted_by"):
        op.drop_column("offering_staff", column)
    op.drop_column("role_grant", "granted_by")
