"""Keep records by rules: how long an institution keeps each class, and no statement of who is held expires."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security, touch

revision: str = "keep_records_by_rules"
down_revision: str | None = "ask_for_consent"

TIME = sa.DateTime(timezone=True)
STATEMENTS = (
    *row_level_security(
        "retention_rule",
        read="institution_id IN (SELECT actor_institutions('{administrator,auditor}'))",
        write="institution_id IN (SELECT actor_institutions('{administrator}'))",
    ),
    *grant("retention_rule"),
    touch("retention_rule"),
)

# The statements of some months that are about somebody under legal hold, by the time they were stored.
HELD = """
    CREATE FUNCTION xapi_held_statements(first timestamptz, next timestamptz) RETURNS SETOF timestamptz
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
    SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        held uuid[] := ARRAY(
            SELECT l.agent_key FROM xapi_agent_link l JOIN legal_hold h ON h.person_id = l.actor_id
            WHERE h.lifted_at IS NULL AND (h.until IS NULL OR h.until >= current_date));
    BEGIN
        IF held = '{}' THEN
            RETURN;
        END IF;
        RETURN QUERY
        SELECT s.stored FROM xapi_statement s
        WHERE s.stored >= first AND s.stored < next AND s.agent_key = ANY(held)
        UNION
        SELECT m.stored FROM xapi_statement_agent m
        WHERE m.stored >= first AND m.stored < next AND m.agent_key = ANY(held);
    END $$
"""
# What `let_xapi_statements_expire` made, with what keeps statements of people who are held.
EXPIRE = """
    CREATE OR REPLACE FUNCTION expire_xapi_statements(month date, kinds text[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '5s' SET timezone = 'UTC' AS $$
    DECLARE
        first timestamptz := date_trunc('month', month)::timestamptz;
        next timestamptz := date_trunc('month', month)::timestamptz + interval '1 month';
        gone bigint;
        name text;
    BEGIN
        IF NOT actor_is_system() THEN
            RAISE EXCEPTION 'only Academe itself lets statements expire' USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF next > date_trunc('month', now()) THEN
            RAISE EXCEPTION 'the month % is not over', month USING ERRCODE = 'invalid_parameter_value';
        END IF;
        WITH RECURSIVE expired AS MATERIALIZED (
            SELECT s.id, s.stored FROM xapi_statement s
            WHERE s.stored >= first AND s.stored < next AND s.kind = ANY(kinds){unheld}
        ), referrer(origin, id, stored) AS (
            SELECT e.id, r.id, r.stored FROM expired e JOIN xapi_reference r ON r.target_id = e.id
            UNION SELECT f.origin, r.id, r.stored FROM referrer f JOIN xapi_reference r ON r.target_id = f.id
        ), dead AS MATERIALIZED (
            SELECT a.stored, a.target_id, a.keys FROM xapi_alias a JOIN expired e ON e.stored = a.stored
            UNION SELECT a.stored, a.target_id, a.keys
            FROM xapi_alias a JOIN referrer f ON f.stored = a.stored AND f.origin = a.target_id
        ), keys AS (
            DELETE FROM xapi_alias_key k
            USING (SELECT DISTINCT unnest(d.keys) AS key, d.stored, d.target_id FROM dead d) d
            WHERE k.key = d.key AND k.stored = d.stored AND k.target_id = d.target_id
        ), aliases AS (
            DELETE FROM xapi_alias a USING dead d WHERE a.stored = d.stored AND a.target_id = d.target_id
        ), refs AS (
            DELETE FROM xapi_reference r USING expired e WHERE r.id = e.id
        ), ids AS (
            DELETE FROM xapi_statement_id i USING expired e WHERE i.id = e.id
        )
        SELECT count(*) INTO gone FROM expired;
        IF EXISTS (SELECT FROM xapi_statement s
                   WHERE s.stored >= first AND s.stored < next AND (s.kind <> ALL(kinds){or_held})) THEN
            DELETE FROM xapi_statement_agent m USING xapi_statement s
            WHERE s.stored >= first AND s.stored < next AND s.kind = ANY(kinds){unheld}
              AND m.stored = s.stored AND m.stored >= first AND m.stored < next;
            DELETE FROM xapi_statement_activity m USING xapi_statement s
            WHERE s.stored >= first AND s.stored < next AND s.kind = ANY(kinds){unheld}
              AND m.stored = s.stored AND m.stored >= first AND m.stored < next;
            DELETE FROM xapi_statement s WHERE s.stored >= first AND s.stored < next AND s.kind = ANY(kinds){unheld};
        ELSE
            FOREACH name IN ARRAY ARRAY['xapi_statement_agent', 'xapi_statement_activity', 'xapi_statement'] LOOP
                EXECUTE format('DROP TABLE IF EXISTS public.%I', name || to_char(first, '"_y"YYYY"m"MM'));
            END LOOP;
        END IF;
        RETURN gone;
    END $$
"""
NOT_HELD = {
    "unheld": " AND s.stored NOT IN (SELECT xapi_held_statements(first, next))",
    "or_held": " OR s.stored IN (SELECT xapi_held_statements(first, next))",
}


def upgrade() -> None:
    op.execute(HELD)
    op.execute("REVOKE EXECUTE ON FUNCTION xapi_held_statements(timestamptz, timestamptz) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION xapi_held_statements(timestamptz, timestamptz) TO academe_app")
    op.execute(EXPIRE.format(**NOT_HELD))
    op.create_table(
        "retention_rule",
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("record_class", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("days BETWEEN 1 AND 36500", name=op.f("ck_retention_rule_days_range")),
        sa.CheckConstraint("length(record_class) BETWEEN 1 AND 60", name=op.f("ck_retention_rule_record_class_length")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_retention_rule_institution_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("institution_id", "record_class", name="pk_retention_rule"),
    )
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute(EXPIRE.format(unheld="", or_held=""))
    op.execute("DROP FUNCTION xapi_held_statements(timestamptz, timestamptz)")
    op.drop_table("retention_rule")
