"""Shape the organisation: nodes move and close, never in a circle, and only by those who administer them."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import row_level_security

revision: str = "shape_the_organisation"
down_revision: str | None = "keep_a_key_for_each_person"

# Two moves at once could close a circle that neither sees, so moves of one institution wait for each other at its root.
# Runs as the owner: a policy must not hide what lies above.
PLACE = """
    CREATE FUNCTION check_org_unit_place() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        above org_unit;
    BEGIN
        IF TG_OP = 'UPDATE' AND NEW.institution_id <> OLD.institution_id THEN
            RAISE EXCEPTION 'a node stays in its institution'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_org_unit_stays_in_institution';
        END IF;
        IF NEW.parent_id IS NULL THEN
            RETURN NEW;
        END IF;
        IF TG_OP = 'UPDATE' THEN
            PERFORM FROM org_unit WHERE id = NEW.institution_id FOR NO KEY UPDATE;
            IF NEW.parent_id <> OLD.parent_id AND current_setting('academe.actor_kind', true) = 'person'
                AND NEW.parent_id NOT IN (SELECT actor_org_units('{administrator}')) THEN
                RAISE EXCEPTION 'the node above is not the actor''s' USING ERRCODE = 'insufficient_privilege';
            END IF;
        END IF;
        SELECT * INTO above FROM org_unit WHERE id = NEW.parent_id;
        IF above.institution_id IS DISTINCT FROM NEW.institution_id THEN
            RAISE EXCEPTION 'the node above belongs to another institution'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_org_unit_stays_in_institution';
        END IF;
        IF above.closed_on IS NOT NULL AND NEW.closed_on IS NULL THEN
            RAISE EXCEPTION 'the node above is closed'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_org_unit_below_open_node';
        END IF;
        IF EXISTS (
            WITH RECURSIVE node (id, parent_id) AS (
                SELECT above.id, above.parent_id
                UNION
                SELECT u.id, u.parent_id FROM org_unit u JOIN node ON u.id = node.parent_id
            )
            SELECT FROM node WHERE node.id = NEW.id
        ) THEN
            RAISE EXCEPTION 'a node cannot lie below itself'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_org_unit_no_cycle';
        END IF;
        RETURN NEW;
    END $$
"""

# Where everybody works is no secret; it has no people in it. The root is made and removed by Academe alone.
ADMINISTERED = "(SELECT actor_org_units('{administrator}'))"
POLICIES = row_level_security("org_unit", read="true", write=f"id IN {ADMINISTERED}")


def upgrade() -> None:
    op.add_column("org_unit", sa.Column("closed_on", sa.Date()))
    op.create_check_constraint(
        op.f("ck_org_unit_root_stays_open"), "org_unit", "closed_on IS NULL OR parent_id IS NOT NULL"
    )
    op.execute(PLACE)
    op.execute("REVOKE EXECUTE ON FUNCTION check_org_unit_place() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER check_place BEFORE INSERT OR UPDATE OF parent_id, institution_id, closed_on ON org_unit"
        " FOR EACH ROW EXECUTE FUNCTION check_org_unit_place()"
    )
    for statement in POLICIES:
        op.execute(statement)
    # A node that is being made is in nobody's tree yet: the one above it is asked.
    inserted = f"(SELECT actor_is_system()) OR (parent_id IN {ADMINISTERED})"
    op.execute("DROP POLICY actor_inserts ON org_unit")
    op.execute(f"CREATE POLICY actor_inserts ON org_unit FOR INSERT WITH CHECK ({inserted})")


def downgrade() -> None:
    for policy in ("actor_reads", "actor_inserts", "actor_updates", "actor_deletes"):
        op.execute(f"DROP POLICY {policy} ON org_unit")
    op.execute("ALTER TABLE org_unit DISABLE ROW LEVEL SECURITY")
    op.execute("DROP TRIGGER check_place ON org_unit")
    op.execute("DROP FUNCTION check_org_unit_place()")
    op.drop_column("org_unit", "closed_on")
