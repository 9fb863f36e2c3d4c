"""Keep xAPI statements."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from academe.platform.database.ddl import grant, row_level_security

revision: str = "keep_xapi_statements"
down_revision: str | None = "know_the_education_before"

BY_MONTH = ("xapi_statement", "xapi_statement_agent", "xapi_statement_activity")
APPENDED = (
    *(*BY_MONTH, "xapi_statement_id", "xapi_reference", "xapi_alias", "xapi_alias_key", "xapi_voided"),
    "xapi_authority",
)
MERGED = ("xapi_agent", "xapi_activity", "xapi_verb")

KEY = sa.Uuid()
TIME = sa.DateTime(timezone=True)
KEYS = postgresql.ARRAY(sa.Uuid())

# No index over arrays can be used below row-level security, because their operators may tell what they compare.
INDEX_ALIASES = """
    CREATE FUNCTION index_xapi_alias() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO xapi_alias_key (key, stored, target_id)
        SELECT DISTINCT unnest(keys), stored, target_id FROM added;
        RETURN NULL;
    END $$
"""

# No writer is in its transaction at the moment when its lock can be shared, and what it then has committed is visible
# to the query after it. When that is no more than the caller has seen, the caller has seen all up to that moment. The
# lock is taken and given back in one expression, in which nothing can be interrupted. A replica has no writers to ask.
CONSISTENT_THROUGH = """
    CREATE FUNCTION xapi_consistent_through(newest timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
    DECLARE
        quiet_at timestamptz;
        committed timestamptz;
    BEGIN
        IF pg_is_in_recovery() THEN
            RETURN newest;
        END IF;
        quiet_at := CASE WHEN pg_try_advisory_lock_shared(7246913550115)
            THEN (ARRAY[clock_timestamp()::text, pg_advisory_unlock_shared(7246913550115)::text])[1]::timestamptz END;
        IF quiet_at IS NULL THEN
            RETURN newest;
        END IF;
        SELECT stored INTO committed FROM xapi_statement ORDER BY stored DESC LIMIT 1;
        RETURN CASE WHEN committed IS NOT DISTINCT FROM newest THEN quiet_at ELSE newest END;
    END $$
"""


def column(name: str, kind: object, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, kind, nullable=nullable)  # type: ignore[arg-type]


def upgrade() -> None:
    _create_statement()
    _create_what_is_mentioned()
    _create_references()
    _create_what_is_shared()
    op.execute(CONSISTENT_THROUGH)
    for table in (*APPENDED, *MERGED):
        for statement in _rights(table):
            op.execute(statement)
    for table in BY_MONTH:
        op.execute(
            f"SELECT ensure_month_partitions('{table}', current_date, (current_date + interval '3 months')::date)"
        )


def _rights(table: str) -> Iterator[str]:
    """Only the store itself reads and writes: everybody else asks it, and it asks who may see what."""
    yield from grant(table, "SELECT, INSERT" if table in APPENDED else "SELECT, INSERT, UPDATE")
    yield from row_level_security(table, read="false")


def _create_statement() -> None:
    op.create_table(
        "xapi_statement",
        column("stored", TIME),
        column("id", KEY),
        column("sender_id", KEY),
        column("authority_id", KEY),
        column("agent_key", KEY, nullable=True),
        column("verb_key", KEY),
        column("activity_key", KEY, nullable=True),
        column("registration", KEY, nullable=True),
        column("happened_at", TIME),
        column("version", sa.Text()),
        column("kind", sa.Text()),
        column("duration_seconds", sa.Float(), nullable=True),
        column("statement", postgresql.JSONB()),
        sa.PrimaryKeyConstraint("stored", name="pk_xapi_statement"),
        postgresql_partition_by="RANGE (stored)",
    )
    op.create_index("ix_xapi_statement_authority", "xapi_statement", ["authority_id", "stored"])
    op.create_index("ix_xapi_statement_agent", "xapi_statement", ["agent_key", "stored"])
    op.create_index("ix_xapi_statement_verb", "xapi_statement", ["verb_key", "stored"])
    op.create_index("ix_xapi_statement_activity", "xapi_statement", ["activity_key", "stored"])
    op.create_index(
        "ix_xapi_statement_registration",
        "xapi_statement",
        ["registration", "stored"],
        postgresql_where=sa.text("registration IS NOT NULL"),
    )
    op.create_table(
        "xapi_statement_id",
        column("id", KEY),
        column("stored", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_xapi_statement_id"),
    )


def _create_what_is_mentioned() -> None:
    op.create_table(
        "xapi_statement_agent",
        column("agent_key", KEY),
        column("stored", TIME),
        column("is_narrow", sa.Boolean()),
        sa.PrimaryKeyConstraint("agent_key", "stored", name="pk_xapi_statement_agent"),
        postgresql_partition_by="RANGE (stored)",
    )
    op.create_index(
        "ix_xapi_statement_agent_narrow",
        "xapi_statement_agent",
        ["agent_key", "stored"],
        postgresql_where=sa.text("is_narrow"),
    )
    op.create_table(
        "xapi_statement_activity",
        column("activity_key", KEY),
        column("stored", TIME),
        sa.PrimaryKeyConstraint("activity_key", "stored", name="pk_xapi_statement_activity"),
        postgresql_partition_by="RANGE (stored)",
    )


def _create_references() -> None:
    op.create_table(
        "xapi_reference",
        column("target_id", KEY),
        column("id", KEY),
        column("stored", TIME),
        sa.PrimaryKeyConstraint("target_id", "id", name="pk_xapi_reference"),
    )
    op.create_index("ix_xapi_reference_id", "xapi_reference", ["id"])
    op.create_table(
        "xapi_alias",
        column("stored", TIME),
        column("target_id", KEY),
        column("verb_key", KEY),
        column("activity_key", KEY, nullable=True),
        column("registration", KEY, nullable=True),
        column("agent_keys", KEYS),
        column("related_agent_keys", KEYS),
        column("related_activity_keys", KEYS),
        column("keys", KEYS),
        sa.PrimaryKeyConstraint("stored", "target_id", name="pk_xapi_alias"),
    )
    op.create_table(
        "xapi_alias_key",
        column("key", KEY),
        column("stored", TIME),
        column("target_id", KEY),
        sa.PrimaryKeyConstraint("key", "stored", "target_id", name="pk_xapi_alias_key"),
    )
    op.execute(INDEX_ALIASES)
    op.execute(
        "CREATE TRIGGER index_xapi_alias AFTER INSERT ON xapi_alias REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION index_xapi_alias()"
    )
    op.create_table(
        "xapi_voided",
        column("statement_id", KEY),
        column("voided_at", TIME),
        sa.PrimaryKeyConstraint("statement_id", name="pk_xapi_voided"),
    )


def _create_what_is_shared() -> None:
    op.create_table(
        "xapi_authority",
        column("id", KEY),
        column("agent_key", KEY),
        column("agent", postgresql.JSONB()),
        sa.PrimaryKeyConstraint("id", name="pk_xapi_authority"),
    )
    op.create_table(
        "xapi_agent",
        column("id", KEY),
        column("key", sa.Text()),
        column("object_type", sa.Text()),
        column("names", postgresql.ARRAY(sa.Text())),
        sa.PrimaryKeyConstraint("id", name="pk_xapi_agent"),
    )
    for table, words in (("xapi_activity", "definition"), ("xapi_verb", "display")):
        op.create_table(
            table,
            column("id", KEY),
            column("iri", sa.Text()),
            column(words, postgresql.JSONB()),
            sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        )


def downgrade() -> None:
    for table in (*APPENDED, *MERGED):
        op.drop_table(table)
    op.execute("DROP FUNCTION index_xapi_alias, xapi_consistent_through")
