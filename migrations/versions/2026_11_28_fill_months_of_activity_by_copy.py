"""Fill months of activity by COPY."""

from alembic import op

revision: str = "fill_months_of_activity_by_copy"
down_revision: str | None = "say_who_looked"

# COPY goes past policies, and PostgreSQL refuses it where they apply. The one policy that lets anybody write activity
# asks whether Academe itself acts, which is no question about a row: it is asked here, once, before there is a table.
# Nobody else sees that table, because it belongs to a transaction that has not ended, and the right to add to it ends
# with the closing. Whoever comes second waits for the end of the first, and finds the month in its place.
OPEN_MONTH = """
    CREATE FUNCTION open_activity_month(day date) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        partition name := 'activity_day' || to_char(day, '"_y"YYYY"m"MM');
    BEGIN
        IF NOT actor_is_system() THEN
            RAISE EXCEPTION 'only Academe itself fills a month of activity' USING ERRCODE = 'insufficient_privilege';
        END IF;
        PERFORM pg_advisory_xact_lock(hashtextextended('open_activity_month ' || partition, 0));
        IF to_regclass(format('public.%I', partition)) IS NOT NULL THEN
            RETURN NULL;
        END IF;
        EXECUTE format('CREATE TABLE public.%I (LIKE public.activity_day INCLUDING DEFAULTS'
                       ' INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE)', partition);
        EXECUTE format('GRANT INSERT ON public.%I TO academe_app', partition);
        RETURN partition;
    END $$
"""

# The key is made before the table takes its place: ATTACH would make it, too, but locks out other months meanwhile.
CLOSE_MONTH = """
    CREATE FUNCTION close_activity_month(day date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    SET max_parallel_maintenance_workers = 0 AS $$
    DECLARE
        partition name := 'activity_day' || to_char(day, '"_y"YYYY"m"MM');
        month date := date_trunc('month', day)::date;
    BEGIN
        IF NOT actor_is_system() THEN
            RAISE EXCEPTION 'only Academe itself fills a month of activity' USING ERRCODE = 'insufficient_privilege';
        END IF;
        EXECUTE format('REVOKE INSERT ON public.%I FROM academe_app', partition);
        EXECUTE format('ALTER TABLE public.%I ADD PRIMARY KEY (context_id, actor_id, day, activity_id)', partition);
        EXECUTE format('ALTER TABLE public.activity_day ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                       partition, month, (month + interval '1 month')::date);
    END $$
"""

FUNCTIONS = ("open_activity_month(date)", "close_activity_month(date)")


def upgrade() -> None:
    op.execute(OPEN_MONTH)
    op.execute(CLOSE_MONTH)
    for function in FUNCTIONS:
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO academe_app")


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
