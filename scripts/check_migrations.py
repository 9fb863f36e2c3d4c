"""Take an empty embedded database through every migration: up, down one by one, and up again without drift.

Uses a data folder of its own and stops its server at the end, whatever happens. Exits 1 naming what failed.

Usage: python -m scripts.check_migrations
"""

import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from academe.platform.database import migrate
from academe.platform.database.embedded import EmbeddedServer
from academe.platform.database.engine import OWNER_ROLE, database_url
from academe.platform.errors import AcademeError
from academe.platform.settings import Settings

# What may stay when every migration is undone: alembic's own table, kept empty.
MAY_REMAIN = frozenset({"alembic_version"})
LEFT_BEHIND = """
    SELECT class.relname FROM pg_class AS class
    WHERE class.relnamespace = 'public'::regnamespace AND class.relkind IN ('r', 'p', 'v', 'm', 'S')
      AND NOT EXISTS (
          SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = class.oid AND deptype = 'e'
      )
    ORDER BY 1
"""


class MigrationCheckError(Exception):
    """A migration that does not undo what it did."""


def left_behind(settings: Settings) -> list[str]:
    """Tables, views and sequences of the schema that no extension owns."""
    engine = create_engine(database_url(settings, role=OWNER_ROLE), poolclass=NullPool)
    with engine.connect() as connection:
        return [name for name in connection.execute(text(LEFT_BEHIND)).scalars() if name not in MAY_REMAIN]


def walk(settings: Settings) -> None:
    """Every migration in both directions, comparing with the models after each way up."""
    started = time.perf_counter()

    def step(what: str) -> None:
        print(f"migrations: {what} ({time.perf_counter() - started:.1f} s)", flush=True)

    applied = migrate.upgrade(settings)
    if not applied:
        raise MigrationCheckError("there is no migration")
    step(f"{len(applied)} up")
    migrate.check(settings)
    step("no drift")
    for revision in reversed(applied):
        undone = migrate.downgrade(settings, "-1", lose_data=True)
        if undone != [revision]:
            raise MigrationCheckError(f"undoing {revision} undid {undone}")
    if remains := left_behind(settings):
        raise MigrationCheckError(f"after the last way down these remain: {', '.join(remains)}")
    step(f"{len(applied)} down, nothing left")
    if migrate.upgrade(settings) != applied:
        raise MigrationCheckError("the second way up took other steps than the first")
    migrate.check(settings)
    step(f"{len(applied)} up again, no drift")


def main() -> int:
    """Run the check in a temporary data folder; 1 when a step fails."""
    with tempfile.TemporaryDirectory(prefix="academe-migrations-") as folder:
        # Started by root, the server runs as another account, which has to reach its folder.
        Path(folder).chmod(0o711)
        settings = Settings(data_dir=Path(folder), database_url=None, database_owner_url=None)
        try:
            walk(settings)
        except (AcademeError, MigrationCheckError) as error:
            print(f"migrations: {error}", file=sys.stderr)
            return 1
        finally:
            EmbeddedServer(Path(folder) / "postgres").stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
