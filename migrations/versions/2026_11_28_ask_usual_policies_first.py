"""Ask the usual policy first: PostgreSQL tries the policies of a table in the reverse order of their names.

Where a guardian or an opening in an emergency lets somebody read beside the usual reasons, their policies were asked
first, for every statement of everybody. A row that the usual policy lets through never comes to the others.
"""

from alembic import op

revision: str = "ask_usual_policies_first"
down_revision: str | None = "keep_records_by_rules"

RENAME = """
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN {tables} LOOP
            EXECUTE format('ALTER POLICY {old} ON %s RENAME TO {new}', name);
        END LOOP;
    END $$
"""
WITH_OTHERS = """
    SELECT usual.polrelid::regclass FROM pg_policy usual
    WHERE usual.polname = 'actor_reads' AND EXISTS (
        SELECT FROM pg_policy other
        WHERE other.polrelid = usual.polrelid AND other.oid <> usual.oid AND other.polpermissive
          AND other.polcmd IN ('r', '*')
    )
"""
RENAMED = "SELECT polrelid::regclass FROM pg_policy WHERE polname = 'usual_reads'"


def upgrade() -> None:
    op.execute(RENAME.format(tables=WITH_OTHERS, old="actor_reads", new="usual_reads"))


def downgrade() -> None:
    op.execute(RENAME.format(tables=RENAMED, old="usual_reads", new="actor_reads"))
