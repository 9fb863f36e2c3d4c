"""Find a page of the directory: the people for words and filters, in its order, whatever the words fit.

Which way is fast depends on what is asked, and how names are spread decides it more than how frequent they are: nobody
called Zoë stands among the first half of the list. So three ways are tried, each of which ends early where another is
better, instead of one that statistics choose.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "find_a_page_of_people"
down_revision: str | None = "open_records_in_emergencies"

# 1. The beginning of the list: enough for words that fit many.
# 2. Whoever holds the role or studies in the programme, if those are few.
# 3. Everybody whom the words fit, from the trigrams, put in order; filters are asked only until a page is full.
# Roles count as far as the policy of role_grant shows them to the actor. No plan without an index is any good here.
FIND = """
    CREATE FUNCTION find_people(
        patterns text[], wanted_role text, node uuid, wanted_status text, wanted_program uuid, today date,
        edge_name text, edge_id uuid, backward boolean, most integer
    ) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
    SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off SET jit = off AS $$
    DECLARE
        place text := format('p.institution_id = %L', actor_directory_id())
            || CASE WHEN edge_id IS NULL THEN '' ELSE
                format(' AND (p.display_name, p.id) %s (%L, %L)', CASE WHEN backward THEN '<' ELSE '>' END,
                       edge_name, edge_id) END
            || coalesce(' AND p.status = ' || quote_literal(wanted_status), '');
        words text := coalesce(
            (SELECT string_agg(format(' AND p.search_text LIKE %L', each), '') FROM unnest(patterns) each), '');
        sorted text := CASE WHEN backward
            THEN ' ORDER BY p.display_name DESC, p.id DESC' ELSE ' ORDER BY p.display_name, p.id' END;
        grants text;
        students text := 'SELECT r.person_id FROM student_record r WHERE r.program_id = '
            || quote_literal(wanted_program);
        filters text := '';
        members text;
        member uuid[];
        found uuid[];
    BEGIN
        IF wanted_role IS NOT NULL OR node IS NOT NULL THEN
            grants := format('SELECT g.person_id FROM role_grant g WHERE g.starts_on <= %L'
                             ' AND (g.ends_on IS NULL OR g.ends_on >= %1$L)'
                             ' AND (g.person_id = %L OR g.org_unit_id = ANY (%L::uuid[]))',
                             today, actor_person_id(),
                             ARRAY(SELECT actor_org_units('{registrar,administrator,auditor}')))
                || coalesce(' AND g.role = ' || quote_literal(wanted_role), '');
            IF node IS NOT NULL THEN
                grants := grants || format(' AND g.org_unit_id = ANY (%L::uuid[])', ARRAY(
                    WITH RECURSIVE below (id) AS (
                        SELECT node UNION SELECT u.id FROM org_unit u JOIN below ON u.parent_id = below.id
                    ) SELECT id FROM below));
            END IF;
            filters := format(' AND EXISTS (%s AND g.person_id = p.id OFFSET 0)', grants);
        END IF;
        filters := filters || coalesce(' AND EXISTS (' || students || ' AND r.person_id = p.id OFFSET 0)', '');

        EXECUTE format('SELECT ARRAY(SELECT p.id FROM (SELECT * FROM person p WHERE %s%s LIMIT 2000) p'
                       ' WHERE true%s%s LIMIT %s)', place, sorted, words, filters, most) INTO found;
        IF cardinality(found) = most THEN
            RETURN QUERY SELECT unnest(found);
            RETURN;
        END IF;

        members := coalesce(students, grants);
        IF members IS NOT NULL THEN
            EXECUTE format('SELECT ARRAY(%s LIMIT 5001)', members) INTO member;
            IF cardinality(member) <= 5000 THEN
                RETURN QUERY EXECUTE format(
                    'WITH p AS MATERIALIZED (SELECT p.* FROM person p WHERE p.id = ANY ($1) AND %s%s)'
                    ' SELECT p.id FROM (SELECT * FROM p%s) p WHERE true%s LIMIT %s',
                    place, words, sorted, CASE WHEN grants IS NULL OR students IS NULL THEN '' ELSE filters END, most)
                    USING member;
                RETURN;
            END IF;
        END IF;

        IF words = '' THEN
            RETURN QUERY EXECUTE format(
                'SELECT p.id FROM person p WHERE %s%s%s LIMIT %s', place, filters, sorted, most);
        ELSE
            RETURN QUERY EXECUTE format(
                'WITH p AS MATERIALIZED (SELECT p.id, p.display_name FROM person p WHERE %s%s)'
                ' SELECT p.id FROM (SELECT * FROM p%s) p WHERE true%s LIMIT %s', place, words, sorted, filters, most);
        END IF;
    END $$
"""
SIGNATURE = "find_people(text[], text, uuid, text, uuid, date, text, uuid, boolean, integer)"

BEFORE = """
    CREATE FUNCTION find_people(patterns text[], most integer) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 500
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        RETURN QUERY EXECUTE
            format('SELECT p.id FROM person p WHERE p.institution_id = %L', actor_directory_id())
            || coalesce(
                (SELECT string_agg(format(' AND p.search_text LIKE %L', each), '') FROM unnest(patterns) each), '')
            || format(' LIMIT %s', coalesce(most::text, 'ALL'));
    END $$
"""


def upgrade() -> None:
    op.execute("DROP FUNCTION find_people(text[], integer)")
    op.execute(FIND)
    _grant(SIGNATURE)
    for setting in ("enable_seqscan", "enable_indexscan"):
        op.execute(f"ALTER FUNCTION find_similar_people(text) SET {setting} = off")
    op.drop_index("ix_role_grant_org_unit_id", "role_grant")
    op.create_index("ix_role_grant_org_unit_id_role", "role_grant", ["org_unit_id", "role"])
    op.create_index(
        "ix_person_deactivated",
        "person",
        ["institution_id", "display_name", "id"],
        postgresql_where=sa.text("status = 'deactivated'"),
    )


def downgrade() -> None:
    op.drop_index("ix_person_deactivated", "person")
    op.drop_index("ix_role_grant_org_unit_id_role", "role_grant")
    op.create_index("ix_role_grant_org_unit_id", "role_grant", ["org_unit_id"])
    for setting in ("enable_seqscan", "enable_indexscan"):
        op.execute(f"ALTER FUNCTION find_similar_people(text) RESET {setting}")
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    op.execute(BEFORE)
    _grant("find_people(text[], integer)")


def _grant(signature: str) -> None:
    op.execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO academe_app, academe_readonly")
