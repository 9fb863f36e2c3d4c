"""Statements that migrations repeat for many tables. Migrations are history: these functions only gain siblings."""

from collections.abc import Sequence

CONTEXT_FUNCTIONS = (
    """
    CREATE FUNCTION actor_is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('academe.actor_kind', true) = 'system'
        AND 'academe_readonly' NOT IN (session_user, current_setting('role'))
    """,
    """
    CREATE FUNCTION actor_person_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('academe.person_id', true), '')::uuid
    """,
)
"""Who acts in this transaction, for policies; null or false when no actor was set, so that nothing is then visible.

The read-only role may name a person, and then sees what that person sees; it cannot pass for Academe itself.
"""

TOUCH_FUNCTION = """
    CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.updated_at := now();
        RETURN NEW;
    END $$
"""

REFUSE_FUNCTION = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
    END $$
"""


def touch(table: str) -> str:
    """Keep `updated_at` of a table."""
    return f"CREATE TRIGGER touch_updated_at BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION touch_updated_at()"


def append_only(table: str) -> tuple[str, str]:
    """Refuse UPDATE, DELETE and TRUNCATE on a table for every role, its owner included."""
    return (
        (
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        ),
        (
            f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        ),
    )


def grant(table: str, privileges: str = "SELECT, INSERT, UPDATE, DELETE") -> tuple[str, str]:
    """Give the application role what it needs on a table, and the read-only role its SELECT; never GRANT ALL."""
    return (
        f"GRANT {privileges} ON {table} TO academe_app",
        f"GRANT SELECT ON {table} TO academe_readonly",
    )


def row_level_security(table: str, *, read: str, write: str | None = None) -> Sequence[str]:
    """Switch row-level security on, with one policy for reading and one for each kind of write.

    `read` and `write` are SQL conditions over a row; the system actor always passes. Without `write`, only the system
    actor writes. It is not forced upon the owner: the owner only migrates, and the SECURITY DEFINER functions that
    policies ask (which would otherwise ask themselves) run as the owner.
    """
    reading = f"(SELECT actor_is_system()) OR ({read})"
    writing = f"(SELECT actor_is_system()) OR ({write})" if write else "(SELECT actor_is_system())"
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY actor_reads ON {table} FOR SELECT USING ({reading})",
        f"CREATE POLICY actor_inserts ON {table} FOR INSERT WITH CHECK ({writing})",
        f"CREATE POLICY actor_updates ON {table} FOR UPDATE USING ({writing}) WITH CHECK ({writing})",
        f"CREATE POLICY actor_deletes ON {table} FOR DELETE USING ({writing})",
    )
