"""Runs the migrations as the owner role: one transaction, one process at a time, no long wait for a lock."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from academe.platform.database.discovery import import_models
from academe.platform.database.engine import OWNER_ROLE, database_url
from academe.platform.database.migrate import MIGRATION_LOCK, DataLossError, filled_columns
from academe.platform.database.partitions import MONTHS_AHEAD
from academe.platform.database.roles import prepare
from academe.platform.settings import Settings, get_settings

# Another process that migrates is waited for; a page that holds a table is not, because everything would
# queue up behind the waiting ALTER TABLE.
WAIT_FOR_OTHER_MIGRATION = "120s"
WAIT_FOR_TABLE = "5s"
LONGEST_STATEMENT = "15min"

MAKE_PARTITIONS = text(
    "SELECT sum(ensure_month_partitions("
    "partrelid, current_date, (current_date + make_interval(months => :months))::date))"
    " FROM pg_partitioned_table JOIN pg_class ON pg_class.oid = partrelid"
    " WHERE relnamespace = 'public'::regnamespace AND partstrat = 'r'"
)

# Made by the library of the jobs, or by `ensure_month_partitions`; no model describes them.
_FOREIGN = re.compile(r"^procrastinate_|_y\d{4}m\d{2}$")

_Kind = Literal["schema", "table", "column", "index", "unique_constraint", "foreign_key_constraint", "check_constraint"]


def _is_ours(name: str | None, kind: _Kind, _parents: Mapping[Any, str | None]) -> bool:
    return not (kind == "table" and name is not None and _FOREIGN.search(name))


def _run(connection: Connection, settings: Settings) -> None:
    connection.execute(text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": WAIT_FOR_OTHER_MIGRATION})
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    connection.execute(
        text("SELECT set_config('lock_timeout', :wait, true), set_config('statement_timeout', :longest, true)"),
        {"wait": WAIT_FOR_TABLE, "longest": LONGEST_STATEMENT},
    )
    prepare(connection, login=database_url(settings).username or "")
    context.configure(
        connection=connection,
        # Moving between revisions needs no model, and so works while one of them is being written.
        target_metadata=import_models() if context.config.attributes.get("with_models", True) else None,
        include_name=_is_ours,
        compare_type=True,
        compare_server_default=True,
        on_version_apply=context.config.attributes.get("on_version_apply"),
    )
    with context.begin_transaction():
        _refusing_data_loss(connection, context.run_migrations)
    _make_partitions(connection)


def _refusing_data_loss(connection: Connection, migrate: Callable[[], None]) -> None:
    if context.config.attributes.get("keep_data") is not True:
        migrate()
        return
    before = filled_columns(connection)
    migrate()
    lost = before - filled_columns(connection)
    if lost:
        raise DataLossError(lost)


def _make_partitions(connection: Connection) -> None:
    """The months to come, so that an installation which is upgraded but runs no worker can still write."""
    if connection.execute(text("SELECT to_regproc('ensure_month_partitions') IS NOT NULL")).scalar_one():
        connection.execute(MAKE_PARTITIONS, {"months": MONTHS_AHEAD})


def main() -> None:
    """Connect as the owner and run what the command asks for; a failure anywhere rolls everything back."""
    settings: Settings = context.config.attributes.get("settings") or get_settings()
    engine = create_engine(database_url(settings, role=OWNER_ROLE), poolclass=NullPool)
    with engine.begin() as connection:
        _run(connection, settings)


main()
