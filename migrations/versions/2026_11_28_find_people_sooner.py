"""Find people sooner: by the beginning of an address, and names like a mistyped one among fewer candidates."""

from alembic import op

revision: str = "find_people_sooner"
down_revision: str | None = "know_guardians"

ESCAPED = "replace(replace(replace(lower({}), '\\', '\\\\'), '%', '\\%'), '_', '\\_')"

# In no order: the caller either asks for all of them or, when there are more than `most`, for a list in its own order.
FIND = """
    CREATE OR REPLACE FUNCTION find_people(patterns text[], most integer) RETURNS SETOF uuid
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
FIND_BEFORE = """
    CREATE OR REPLACE FUNCTION find_people(patterns text[], most integer) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 500
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        RETURN QUERY EXECUTE
            'SELECT p.id FROM person p WHERE p.institution_id = $1'
            || coalesce(
                (SELECT string_agg(format(' AND p.search_text LIKE %L', each), '') FROM unnest(patterns) each), '')
            || ' ORDER BY p.display_name, p.id LIMIT $2'
            USING actor_directory_id(), most;
    END $$
"""

# Most people type an address from its beginning. Its last part is the same for everybody: looking for that in the
# trigrams would read the whole index, so that only what stands before the @ is looked up, and all of it compared.
FIND_BY_ADDRESS = f"""
    CREATE OR REPLACE FUNCTION find_people_by_address(part text) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
    SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        administered uuid[] := ARRAY(SELECT actor_institutions('{{administrator}}'));
    BEGIN
        RETURN QUERY EXECUTE format(
            'SELECT p.id FROM account a JOIN person p ON p.id = a.person_id'
            ' WHERE lower(a.email) LIKE %L AND p.institution_id = ANY ($1) LIMIT 200',
            {ESCAPED.format("part")} || '%') USING administered;
        IF NOT FOUND THEN
            RETURN QUERY EXECUTE format(
                'WITH a AS MATERIALIZED (SELECT person_id, email FROM account WHERE lower(email) LIKE %L)'
                ' SELECT p.id FROM a JOIN person p ON p.id = a.person_id'
                ' WHERE lower(a.email) LIKE %L AND p.institution_id = ANY ($1) LIMIT 200',
                '%' || {ESCAPED.format("split_part(part, '@', 1)")} || '@%',
                '%' || {ESCAPED.format("part")} || '%') USING administered;
        END IF;
    END $$
"""
FIND_BY_ADDRESS_BEFORE = f"""
    CREATE OR REPLACE FUNCTION find_people_by_address(part text) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        RETURN QUERY EXECUTE format(
            'SELECT p.id FROM account a JOIN person p ON p.id = a.person_id'
            ' WHERE lower(a.email) LIKE %L AND p.institution_id IN (SELECT actor_institutions(''{{administrator}}''))',
            '%' || {ESCAPED.format("part")} || '%');
    END $$
"""


# A setting of an extension may be given to a function by its owner only once the extension is loaded.
LOADED = "SELECT show_limit()"

# So many people have a name a little like a common one that comparing them all would take long: of more than some
# hundred, any are good enough to be shown.
SIMILAR = """
    CREATE OR REPLACE FUNCTION find_similar_people(words text) RETURNS TABLE (person_id uuid, similarity real)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
    SET search_path = pg_catalog, public, pg_temp SET pg_trgm.word_similarity_threshold = '0.55' AS $$
    BEGIN
        RETURN QUERY
            SELECT near.id, near.alike FROM (
                SELECT p.id, word_similarity(words, p.search_text) AS alike FROM person p
                WHERE p.institution_id = actor_directory_id() AND words <% p.search_text
                LIMIT 500
            ) near
            ORDER BY 2 DESC, near.id LIMIT 50;
    END $$
"""
SIMILAR_BEFORE = """
    CREATE OR REPLACE FUNCTION find_similar_people(words text) RETURNS TABLE (person_id uuid, similarity real)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
    SET search_path = pg_catalog, public, pg_temp SET pg_trgm.word_similarity_threshold = '0.45' AS $$
    BEGIN
        RETURN QUERY
            SELECT p.id, word_similarity(words, p.search_text) FROM person p
            WHERE p.institution_id = actor_directory_id() AND words <% p.search_text
            ORDER BY 2 DESC, p.id LIMIT 50;
    END $$
"""


def upgrade() -> None:
    op.execute("CREATE INDEX ix_account_email_beginning ON account (lower(email) text_pattern_ops)")
    op.execute(FIND)
    op.execute(FIND_BY_ADDRESS)
    op.execute(LOADED)
    op.execute(SIMILAR)


def downgrade() -> None:
    op.execute(LOADED)
    op.execute(SIMILAR_BEFORE)
    op.execute(FIND_BY_ADDRESS_BEFORE)
    op.execute(FIND_BEFORE)
    op.execute("DROP INDEX ix_account_email_beginning")
