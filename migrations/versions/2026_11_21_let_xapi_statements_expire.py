"""Let xAPI statements expire, by rules for what was done."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security

revision: str = "let_xapi_statements_expire"
down_revision: str | None = "count_what_xapi_senders_do"

# Statements of one month whose kinds have expired go, with all that stands for them elsewhere; where that is everything
# the month has, its partitions are dropped. What a referring statement was found by through one that goes, goes too.
# `xapi_voided` stays: it names nobody, and keeps what was voided from coming back.
EXPIRE = """
    CREATE FUNCTION expire_xapi_statements(month date, kinds text[]) RETURNS bigint
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
            WHERE s.stored >= first AND s.stored < next AND s.kind = ANY(kinds)
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
                   WHERE s.stored >= first AND s.stored < next AND s.kind <> ALL(kinds)) THEN
            DELETE FROM xapi_statement_agent m USING xapi_statement s
            WHERE s.stored >= first AND s.stored < next AND s.kind = ANY(kinds)
              AND m.stored = s.stored AND m.stored >= first AND m.stored < next;
            DELETE FROM xapi_statement_activity m USING xapi_statement s
            WHERE s.stored >= first AND s.stored < next AND s.kind = ANY(kinds)
              AND m.stored = s.stored AND m.stored >= first AND m.stored < next;
            DELETE FROM xapi_statement s WHERE s.stored >= first AND s.stored < next AND s.kind = ANY(kinds);
        ELSE
            FOREACH name IN ARRAY ARRAY['xapi_statement_agent', 'xapi_statement_activity', 'xapi_statement'] LOOP
                EXECUTE format('DROP TABLE IF EXISTS public.%I', name || to_char(first, '"_y"YYYY"m"MM'));
            END LOOP;
        END IF;
        RETURN gone;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "xapi_retention_rule",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.CheckConstraint("months > 0", name=op.f("ck_xapi_retention_rule_months_positive")),
        sa.PrimaryKeyConstraint("kind", name="pk_xapi_retention_rule"),
    )
    for statement in (*grant("xapi_retention_rule"), *row_level_security("xapi_retention_rule", read="false")):
        op.execute(statement)
    op.execute(EXPIRE)
    op.execute("REVOKE EXECUTE ON FUNCTION expire_xapi_statements(date, text[]) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION expire_xapi_statements(date, text[]) TO academe_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION expire_xapi_statements(date, text[])")
    op.drop_table("xapi_retention_rule")
