"""PostgreSQL's own programs: which, and how they are run."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from sqlalchemy import URL

from academe.operations.backups.errors import ProgramFailedError
from academe.platform.database.embedded.account import wheel_programs
from academe.platform.database.engine import OWNER_ROLE, database_url
from academe.platform.settings import Settings

_LINES_SHOWN: Final = 5


def owner_address(settings: Settings) -> URL:
    """The address of the database as the role that owns the tables and sees every row."""
    return database_url(settings, role=OWNER_ROLE).set(drivername="postgresql")


def run_program(settings: Settings, name: str, arguments: Sequence[str], *, to_database: bool = True) -> str:
    """Run `pg_dump` or `pg_restore` on the database; its standard output. Raises ProgramFailedError.

    The programs are those of the embedded server, which serve every older one as well; they have no TLS, so that where
    it is demanded those of this machine are taken.
    """
    found = shutil.which(name) if settings.database_tls else None
    url = owner_address(settings)
    # Not on the command line, where other users of the machine could read it.
    environment = os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})
    shown = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    command = [found or str(wheel_programs() / "bin" / name), *arguments]
    if to_database:
        command.append(f"--dbname={shown.render_as_string()}")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = "; ".join(done.stderr.strip().splitlines()[:_LINES_SHOWN])
        raise ProgramFailedError(f"{name} ended with {done.returncode}: {said}")
    return done.stdout
