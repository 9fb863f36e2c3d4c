"""Merge two people into one: every row that refers to one of them refers to the other from then on."""

import sqlalchemy as sa
from alembic import op

revision: str = "merge_people"
down_revision: str | None = "import_people"

# Whatever table refers to a person is found in the catalogue, so that a new one cannot be forgotten. Histories that
# nobody may change stay as they are. A row that the survivor has already stays with the merged person, where the
# caller says that this is right; elsewhere it is an error that names the table, and nothing has happened.
MERGE = """
    CREATE FUNCTION merge_people(survivor uuid, merged uuid, may_stay text[])
    RETURNS TABLE (source text, field text, moved integer, stayed integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        place record;
        one record;
        count integer;
    BEGIN
        PERFORM FROM person p WHERE p.id IN (survivor, merged) ORDER BY p.id FOR UPDATE;
        IF survivor = merged OR 2 <> (
            SELECT count(*) FROM person p WHERE p.id IN (survivor, merged) AND p.merged_into_id IS NULL
            AND (actor_is_system() OR p.institution_id IN (SELECT actor_institutions('{administrator}')))
        ) OR 1 <> (SELECT count(DISTINCT p.institution_id) FROM person p WHERE p.id IN (survivor, merged)) THEN
            RAISE insufficient_privilege;
        END IF;
        FOR place IN
            SELECT c.conrelid::regclass AS source, a.attname AS field,
                   EXISTS (
                       SELECT FROM pg_trigger t WHERE t.tgrelid = c.conrelid AND t.tgname = 'refuse_change'
                   ) AS fixed
            FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
            WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid = 'person'::regclass
              AND c.conrelid NOT IN ('person'::regclass, 'person_particulars'::regclass)
            ORDER BY 1, 2
        LOOP
            source := place.source::text; field := place.field; moved := 0; stayed := 0;
            IF place.fixed THEN
                EXECUTE format('SELECT count(*) FROM %s WHERE %I = $1', place.source, place.field)
                    INTO stayed USING merged;
            ELSE
                BEGIN
                    EXECUTE format('UPDATE %s SET %I = $1 WHERE %2$I = $2', place.source, place.field)
                        USING survivor, merged;
                    GET DIAGNOSTICS moved = ROW_COUNT;
                EXCEPTION WHEN unique_violation OR exclusion_violation THEN
                    IF place.source::text <> ALL (may_stay) THEN
                        RAISE unique_violation USING MESSAGE = place.source::text, TABLE = place.source::text;
                    END IF;
                    FOR one IN EXECUTE format(
                        'SELECT tableoid, ctid FROM %s WHERE %I = $1', place.source, place.field) USING merged
                    LOOP
                        BEGIN
                            EXECUTE format(
                                'UPDATE %s SET %I = $1 WHERE tableoid = $2 AND ctid = $3', place.source, place.field)
                                USING survivor, one.tableoid, one.ctid;
                            moved := moved + 1;
                        EXCEPTION WHEN unique_violation OR exclusion_violation THEN
                            stayed := stayed + 1;
                        END;
                    END LOOP;
                END;
            END IF;
            IF moved + stayed > 0 THEN
                RETURN NEXT;
            END IF;
        END LOOP;
        UPDATE person p SET merged_into_id = survivor WHERE p.merged_into_id = merged;
        UPDATE person p SET merged_into_id = survivor, status = 'deactivated' WHERE p.id = merged;
        UPDATE account a SET is_active = false WHERE a.person_id = merged;
    END $$
"""


def upgrade() -> None:
    op.add_column("person", sa.Column("merged_into_id", sa.Uuid()))
    op.create_foreign_key(
        "fk_person_merged_into_id", "person", "person", ["merged_into_id"], ["id"], ondelete="RESTRICT"
    )
    op.create_index("ix_person_merged_into_id", "person", ["merged_into_id"])
    op.create_check_constraint(
        op.f("ck_person_merged_takes_no_part"), "person", "merged_into_id IS NULL OR status = 'deactivated'"
    )
    op.create_check_constraint(op.f("ck_person_merged_into_another"), "person", "merged_into_id <> id")
    op.execute(MERGE)
    op.execute("REVOKE EXECUTE ON FUNCTION merge_people(uuid, uuid, text[]) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION merge_people(uuid, uuid, text[]) TO academe_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION merge_people(uuid, uuid, text[])")
    op.drop_column("person", "merged_into_id")
