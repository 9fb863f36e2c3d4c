"""Find people by name: more parts of a name, a folded text of them all, and the way to search it.

Conditions that are not leakproof are asked after a policy, so that no index of trigrams serves them below row-level
security. The function asks the policy's question itself, once, and then uses the index as the owner.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "find_people_by_name"
down_revision: str | None = "let_xapi_statements_expire"

# Letters that no decomposition takes apart are written as readers without the key for them type them.
FOLD = """
    CREATE FUNCTION fold_name(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(translate(
        replace(replace(replace(replace(replace(
            regexp_replace(normalize(name, NFKD), U&'[\\0300-\\036F]', '', 'g'),
            'ß', 'ss'), 'Æ', 'Ae'), 'æ', 'ae'), 'Œ', 'Oe'), 'œ', 'oe'),
        'ØøŁłĐđÐðÞþĦħıŦŧ', 'OoLlDdDdTtHhiTt'
    ))
"""

# Every pattern must match: one for each word that was typed. The first in the order of the directory, so that a word
# that fits a quarter of all names is answered from the index in that order and one that fits few from the trigrams.
FIND = """
    CREATE FUNCTION find_people(patterns text[], most integer) RETURNS SETOF uuid
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

FIND_SIMILAR = """
    CREATE FUNCTION find_similar_people(words text) RETURNS TABLE (person_id uuid, similarity real)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
    SET search_path = pg_catalog, public, pg_temp SET pg_trgm.word_similarity_threshold = '0.45' AS $$
    BEGIN
        RETURN QUERY
            SELECT p.id, word_similarity(words, p.search_text) FROM person p
            WHERE p.institution_id = actor_directory_id() AND words <% p.search_text
            ORDER BY 2 DESC, p.id LIMIT 50;
    END $$
"""

# Addresses are for whoever manages accounts.
FIND_BY_ADDRESS = """
    CREATE FUNCTION find_people_by_address(part text) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 50
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        RETURN QUERY EXECUTE format(
            'SELECT p.id FROM account a JOIN person p ON p.id = a.person_id'
            ' WHERE lower(a.email) LIKE %L AND p.institution_id IN (SELECT actor_institutions(''{administrator}''))',
            '%' || replace(replace(replace(lower(part), '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%');
    END $$
"""

FUNCTIONS = {
    "find_people(text[], integer)": FIND,
    "find_similar_people(text)": FIND_SIMILAR,
    "find_people_by_address(text)": FIND_BY_ADDRESS,
}


def upgrade() -> None:
    op.add_column("person", sa.Column("middle_name", sa.Text()))
    op.add_column("person", sa.Column("preferred_name", sa.Text()))
    op.execute(FOLD)
    op.add_column(
        "person",
        sa.Column(
            "search_text",
            sa.Text(),
            sa.Computed(
                "fold_name(' ' || display_name || coalesce(' ' || preferred_name, '')"
                " || coalesce(' ' || given_name, '') || coalesce(' ' || middle_name, '')"
                " || coalesce(' ' || family_name, ''))",
                persisted=True,
            ),
            nullable=False,
        ),
    )
    for part in ("given_name", "middle_name", "family_name", "preferred_name"):
        op.create_check_constraint(op.f(f"ck_person_{part}_length"), "person", f"length({part}) BETWEEN 1 AND 100")
    op.drop_index("ix_person_display_name_trigram", "person")
    op.create_index(
        "ix_person_search_text_trigram",
        "person",
        ["search_text"],
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    )
    op.create_index("ix_person_institution_id_display_name", "person", ["institution_id", "display_name", "id"])
    op.create_index(
        "ix_account_email_trigram",
        "account",
        [sa.literal_column("lower(email) gin_trgm_ops")],
        postgresql_using="gin",
    )
    for signature, body in FUNCTIONS.items():
        op.execute(body)
        op.execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO academe_app, academe_readonly")


def downgrade() -> None:
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_index("ix_account_email_trigram", "account")
    op.drop_index("ix_person_institution_id_display_name", "person")
    op.drop_index("ix_person_search_text_trigram", "person")
    op.create_index(
        "ix_person_display_name_trigram",
        "person",
        ["display_name"],
        postgresql_using="gin",
        postgresql_ops={"display_name": "gin_trgm_ops"},
    )
    for part in ("given_name", "middle_name", "family_name", "preferred_name"):
        op.drop_constraint(op.f(f"ck_person_{part}_length"), "person", type_="check")
    op.drop_column("person", "search_text")
    op.execute("DROP FUNCTION fold_name(text)")
    op.drop_column("person", "preferred_name")
    op.drop_column("person", "middle_name")
