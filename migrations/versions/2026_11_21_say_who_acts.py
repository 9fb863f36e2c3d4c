"""Say who acts in a transaction, refuse changes where nothing may change, make partitions by the month."""

from alembic import op

from academe.platform.database.ddl import CONTEXT_FUNCTIONS, REFUSE_FUNCTION, TOUCH_FUNCTION

revision: str = "say_who_acts"
down_revision: str | None = None

# ATTACH after CREATE, because CREATE ... PARTITION OF would lock the parent against its readers. A trigger
# for TRUNCATE is the one kind that a partition does not get from its parent. Days turn at midnight UTC.
MONTH_PARTITIONS = """
    CREATE FUNCTION ensure_month_partitions(parent regclass, first_day date, last_day date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        parent_name name;
        key_type regtype;
        month date := date_trunc('month', first_day)::date;
        partition name;
        midnight text;
        made integer := 0;
    BEGIN
        SELECT c.relname, a.atttypid::regtype INTO parent_name, key_type
        FROM pg_class c
        JOIN pg_partitioned_table p ON p.partrelid = c.oid AND p.partstrat = 'r' AND p.partnatts = 1
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
        WHERE c.oid = parent AND c.relnamespace = 'public'::regnamespace
          AND pg_get_userbyid(c.relowner) = current_user
          AND a.atttypid IN ('date'::regtype, 'timestamptz'::regtype);
        IF parent_name IS NULL THEN
            RAISE EXCEPTION '% is not partitioned by month', parent USING ERRCODE = 'wrong_object_type';
        END IF;
        IF last_day < first_day OR last_day - first_day > 600 * 31 THEN
            RAISE EXCEPTION 'no partitions from % to %', first_day, last_day
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        midnight := CASE WHEN key_type = 'date'::regtype THEN '' ELSE ' 00:00:00+00' END;
        PERFORM pg_advisory_xact_lock(hashtextextended('ensure_month_partitions ' || parent_name, 0));
        WHILE month <= last_day LOOP
            partition := parent_name || to_char(month, '"_y"YYYY"m"MM');
            IF to_regclass(format('public.%I', partition)) IS NULL THEN
                EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS'
                               ' INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE)',
                               partition, parent_name);
                EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I'
                               ' FOR VALUES FROM (%L) TO (%L)', parent_name, partition, month || midnight,
                               (month + interval '1 month')::date || midnight);
                IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = parent AND tgname = 'refuse_truncate') THEN
                    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON public.%I'
                                   ' FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()', partition);
                END IF;
                made := made + 1;
            END IF;
            month := month + interval '1 month';
        END LOOP;
        RETURN made;
    END $$
"""

# Revoked only where it is granted: an owner that does not own the schema could not revoke, and need not.
KEEP_SCHEMA = """
    DO $$
    BEGIN
        IF has_schema_privilege('academe_app', 'public', 'CREATE') THEN
            REVOKE CREATE ON SCHEMA public FROM PUBLIC;
        END IF;
        IF NOT has_schema_privilege('academe_app', 'public', 'USAGE') THEN
            GRANT USAGE ON SCHEMA public TO academe_app;
        END IF;
        IF NOT has_schema_privilege('academe_readonly', 'public', 'USAGE') THEN
            GRANT USAGE ON SCHEMA public TO academe_readonly;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.execute(KEEP_SCHEMA)
    # A server that is ready says so only when it finds the tables of its own release.
    op.execute("GRANT SELECT ON alembic_version TO academe_app, academe_readonly")
    for function in CONTEXT_FUNCTIONS:
        op.execute(function)
    op.execute(TOUCH_FUNCTION)
    op.execute(REFUSE_FUNCTION)
    op.execute(MONTH_PARTITIONS)
    op.execute("REVOKE EXECUTE ON FUNCTION ensure_month_partitions(regclass, date, date) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ensure_month_partitions(regclass, date, date) TO academe_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION ensure_month_partitions(regclass, date, date)")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DROP FUNCTION touch_updated_at()")
    op.execute("DROP FUNCTION actor_person_id()")
    op.execute("DROP FUNCTION actor_is_system()")
    op.execute("REVOKE SELECT ON alembic_version FROM academe_app, academe_readonly")
