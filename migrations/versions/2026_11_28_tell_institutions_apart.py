"""Tell institutions apart in the store: who reads what a sender of one has sent, and what its words are merged with."""

import json
from hashlib import blake2b
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision: str = "tell_institutions_apart"
down_revision: str | None = "tell_people_what_concerns_them"

INSTALLATION = "00000000-0000-0000-0000-000000000000"
SHARED = ("xapi_agent", "xapi_activity", "xapi_verb")

# Until now nobody was told apart. What senders have said is given to the institution of the only ones there are; where
# there are several institutions, nobody knows whose it was, and it is the installation's.
ONLY_INSTITUTION = """(SELECT min(institution_id::text)::uuid FROM xapi_sender
    HAVING count(DISTINCT institution_id) = 1 AND count(*) = count(institution_id))"""

# What an agent is called under its pseudonym is as separate as before.
RENAME = """
    CREATE OR REPLACE FUNCTION rename_xapi_agent(agent text, old_key uuid, account jsonb, new_key uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        UPDATE xapi_alias a
        SET agent_keys = array_replace(a.agent_keys, old_key, new_key),
            related_agent_keys = array_replace(a.related_agent_keys, old_key, new_key),
            keys = array_replace(a.keys, old_key, new_key)
        FROM xapi_alias_key k
        WHERE k.key = old_key AND a.stored = k.stored AND a.target_id = k.target_id;
        UPDATE xapi_alias_key k SET key = new_key WHERE k.key = old_key;
        INSERT INTO xapi_authority (id, agent_key, agent)
        SELECT new_key, new_key, xapi_pseudonymised(a.agent, rename_xapi_agent.agent, account)
        FROM xapi_authority a WHERE a.id = old_key;
        IF FOUND THEN
            UPDATE xapi_statement s SET authority_id = new_key WHERE s.authority_id = old_key;
            DELETE FROM xapi_authority a WHERE a.id = old_key;
        END IF;
        UPDATE xapi_sender s
        SET authority = xapi_pseudonymised(s.authority, rename_xapi_agent.agent, account),
            authority_key = xapi_agent_text(jsonb_build_object('account', account))
        WHERE s.authority_key = rename_xapi_agent.agent;
        INSERT INTO xapi_agent (id, {columns}key, object_type, names)
        SELECT new_key, {values}xapi_agent_text(jsonb_build_object('account', account)), a.object_type, '{{}}'
        FROM xapi_agent a WHERE a.id = old_key;
        DELETE FROM xapi_agent a WHERE a.id = old_key;
    END $$
"""

# Of the words of several institutions about one thing, those of the one that comes first are left.
KEEP_ONE = """
    DELETE FROM {table} t USING {table} other
    WHERE other.id = t.id AND other.institution_id < t.institution_id
"""


def upgrade() -> None:
    op.add_column("xapi_statement", sa.Column("institution_id", sa.Uuid()))
    op.execute(
        "UPDATE xapi_statement s SET institution_id = x.institution_id FROM xapi_sender x"
        " WHERE x.id = s.sender_id AND x.institution_id IS NOT NULL"
    )
    op.create_index(
        "ix_xapi_statement_institution",
        "xapi_statement",
        ["institution_id", "stored"],
        postgresql_where=sa.text("institution_id IS NOT NULL"),
    )
    op.add_column("xapi_document", sa.Column("institution_id", sa.Uuid()))
    _give_documents(op.get_bind().scalar(sa.text(f"SELECT {ONLY_INSTITUTION}")))
    for table in SHARED:
        op.add_column(
            table,
            sa.Column("institution_id", sa.Uuid(), nullable=False, server_default=sa.text(f"'{INSTALLATION}'")),
        )
        op.execute(f"UPDATE {table} SET institution_id = coalesce({ONLY_INSTITUTION}, institution_id)")
        op.drop_constraint(f"pk_{table}", table)
        op.create_primary_key(f"pk_{table}", table, ["id", "institution_id"])
    op.execute(RENAME.format(columns="institution_id, ", values="a.institution_id, "))


def _give_documents(institution: UUID | None, *, takes: bool = False) -> None:
    """Give all documents to an institution, or take them from theirs; what names a document is what its key is of."""
    connection = op.get_bind()
    if institution is not None or takes:
        columns = "id, kind, activity, agent, registration, document_id, institution_id"
        for row in connection.execute(sa.text(f"SELECT {columns} FROM xapi_document")).all():
            registration = None if row.registration is None else str(row.registration)
            parts = [row.kind, row.activity, row.agent, registration, row.document_id]
            parts += [] if takes else [str(institution)]
            key = UUID(bytes=blake2b(json.dumps(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest())
            # On the way back, of the documents of several institutions with one name the first is left.
            connection.execute(
                sa.text(
                    "UPDATE xapi_document SET id = :key, institution_id = :institution"
                    " WHERE id = :id AND NOT EXISTS (SELECT FROM xapi_document WHERE id = :key)"
                ),
                {"key": key, "institution": None if takes else institution, "id": row.id},
            )
        connection.execute(
            sa.text("DELETE FROM xapi_document WHERE :takes AND institution_id IS NOT NULL"), {"takes": takes}
        )


def downgrade() -> None:
    op.execute(RENAME.format(columns="", values=""))
    for table in SHARED:
        op.execute(KEEP_ONE.format(table=table))
        op.drop_constraint(f"pk_{table}", table)
        op.create_primary_key(f"pk_{table}", table, ["id"])
        op.drop_column(table, "institution_id")
    _give_documents(None, takes=True)
    op.drop_column("xapi_document", "institution_id")
    op.drop_index("ix_xapi_statement_institution", "xapi_statement")
    op.drop_column("xapi_statement", "institution_id")
