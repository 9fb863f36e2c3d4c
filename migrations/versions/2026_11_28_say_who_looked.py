"""Say who looked at a record and in which role, to the person it is about and to those who audit."""

from alembic import op

revision: str = "say_who_looked"
down_revision: str | None = "ask_roles_for_a_second_factor"

# The directory is for staff, yet whoever a record is about may know who acted on it. A read says its roles itself;
# those of a change are the grants of its day.
WHO_ACTED = """
    CREATE FUNCTION who_acted_on_record(entries uuid[])
    RETURNS TABLE (entry_id uuid, display_name text, roles text[])
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        RETURN QUERY
        SELECT e.id, p.display_name, CASE WHEN e.kind = 'read'
            THEN ARRAY(SELECT jsonb_array_elements_text(e.changes -> 'roles'))
            ELSE ARRAY(
                SELECT DISTINCT g.role FROM role_grant g
                WHERE g.person_id = p.id
                  AND (e.at AT TIME ZONE 'UTC')::date BETWEEN g.starts_on AND coalesce(g.ends_on, 'infinity')
                ORDER BY g.role
            ) END
        FROM audit_entry e JOIN person p ON p.id = e.actor_person_id
        WHERE e.id = ANY (entries) AND (
            e.person_id = actor_person_id()
            OR e.institution_id IN (SELECT actor_institutions('{administrator,auditor}'))
        );
    END $$
"""


def upgrade() -> None:
    op.execute(WHO_ACTED)
    op.execute("REVOKE EXECUTE ON FUNCTION who_acted_on_record(uuid[]) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION who_acted_on_record(uuid[]) TO academe_app, academe_readonly")


def downgrade() -> None:
    op.execute("DROP FUNCTION who_acted_on_record(uuid[])")
