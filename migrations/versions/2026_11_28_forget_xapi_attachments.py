"""Let attachments go that no statement names any more."""

import sqlalchemy as sa
from alembic import op

revision: str = "forget_xapi_attachments"
down_revision: str | None = "say_who_brought_attachments"

# The caller has looked at the statements up to a time; what was stored since is looked at here, under the lock of the
# writers: whoever brings an attachment writes its row and its statement in one transaction behind the same lock.
FORGET = """
    CREATE FUNCTION forget_xapi_attachments(hashes text[], seen_through timestamptz) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        IF NOT actor_is_system() THEN
            RAISE EXCEPTION 'only Academe itself forgets attachments' USING ERRCODE = 'insufficient_privilege';
        END IF;
        PERFORM pg_advisory_xact_lock(7246913550115);
        RETURN QUERY
        WITH named AS (
            SELECT lower(a ->> 'sha2') AS sha2
            FROM xapi_statement s, jsonb_array_elements(s.statement -> 'attachments') a
            WHERE s.stored > seen_through AND s.statement ? 'attachments'
            UNION SELECT lower(a ->> 'sha2')
            FROM xapi_statement s, jsonb_array_elements(s.statement #> '{object,attachments}') a
            WHERE s.stored > seen_through AND (s.statement -> 'object') ? 'attachments'
            UNION SELECT lower(a ->> 'sha2')
            FROM xapi_set_aside s, jsonb_array_elements(s.statement -> 'attachments') a
            WHERE s.statement ? 'attachments'
        )
        DELETE FROM xapi_attachment k
        WHERE k.sha2 = ANY(hashes) AND NOT EXISTS (SELECT FROM named n WHERE n.sha2 = k.sha2)
        RETURNING k.sha2;
    END $$
"""


def upgrade() -> None:
    op.create_index(
        "ix_xapi_statement_attachments",
        "xapi_statement",
        ["stored"],
        postgresql_where=sa.text("statement ? 'attachments' OR (statement -> 'object') ? 'attachments'"),
    )
    op.execute(FORGET)
    op.execute("REVOKE EXECUTE ON FUNCTION forget_xapi_attachments(text[], timestamptz) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION forget_xapi_attachments(text[], timestamptz) TO academe_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION forget_xapi_attachments(text[], timestamptz)")
    op.drop_index("ix_xapi_statement_attachments", "xapi_statement")
