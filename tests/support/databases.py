"""The server of a test run: one for all workers, a template built by the migrations, and clones of it.

It is the embedded one in a folder of the run, or the one that `ACADEME_TEST_SERVER` names, as a URL of its superuser
who needs no password, such as `postgresql://postgres@127.0.0.1:5515`: so the tests run on every version from 15.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import PostgresDsn
from sqlalchemy import make_url

from academe.platform.database.embedded import EmbeddedServer, provision
from academe.platform.database.engine import APP_ROLE, OWNER_ROLE
from academe.platform.database.migrate import upgrade
from academe.platform.database.roles import REQUIRED_EXTENSIONS
from academe.platform.settings import Environment, Settings

FOLDER_VARIABLE: Final = "ACADEME_TEST_FOLDER"
"""Set by the process that starts the run and inherited by its workers."""

OTHER_SERVER: Final = "ACADEME_TEST_SERVER"
"""A server that is not ours to start or stop; the tests of the embedded one still start theirs."""

_PREFIX: Final = "academe-tests-"

TEMPLATE: Final = "academe_template"


class ServerOfTests:
    """The embedded server in a folder of the run. Nothing outlives the run, so it does not wait for the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.embedded = EmbeddedServer(folder / "postgres")
        self.other = os.environ.get(OTHER_SERVER, "")

    @classmethod
    def of_this_run(cls) -> Self:
        """The server that every worker of this run shares; started when the first of them needs it."""
        return cls(Path(os.environ[FOLDER_VARIABLE]))

    def ensure_template(self) -> None:
        """Start the server and build the template by the migrations, once; other workers wait here."""
        built = self.folder / "template.built"
        with self._lock():
            if built.exists():
                return
            if self.other:
                self.drop(TEMPLATE)
                provision(self.conninfo(), database=TEMPLATE, extensions=REQUIRED_EXTENSIONS)
            else:
                self.embedded.ensure_running()
                with self.superuser() as connection:
                    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                        connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
                    connection.execute("SELECT pg_reload_conf()")
                provision(self.conninfo(), database=TEMPLATE)
            upgrade(self.settings(TEMPLATE))
            built.write_text(json.dumps({"template": TEMPLATE}))

    def clone(self, name: str, *, template: str = TEMPLATE) -> Settings:
        """A new database like the template; the settings to use it, without any environment variable."""
        with self.superuser() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(template), sql.Identifier(OWNER_ROLE)
                )
            )
        return self.settings(name)

    def empty(self, name: str, *, owner: str = OWNER_ROLE) -> Settings:
        """A new database without tables, extensions or anything, that belongs to `owner`."""
        with self.superuser() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(owner)
                )
            )
        return self.settings(name)

    def drop(self, name: str) -> None:
        """Drop a clone, whoever is still connected."""
        with self.superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def settings(self, database: str, **more: Any) -> Settings:
        """Settings for a database of this server; `more` are settings by their field names."""
        return Settings(
            _env_file=None,
            **{
                "environment": Environment.DEVELOPMENT,
                "data_dir": self.folder,
                "database_url": self.address(APP_ROLE, database),
                "database_owner_url": self.address(OWNER_ROLE, database),
                "database_replica_url": None,
                **more,
            },
        )

    @contextmanager
    def superuser(self, database: str = "postgres") -> Iterator[psycopg.Connection]:
        """A connection that nothing refuses, in autocommit; for what an attacker would do."""
        with psycopg.connect(self.conninfo(database=database), autocommit=True) as connection:
            yield connection

    def remove(self) -> None:
        """Stop the server, if it is ours, and delete its folder."""
        if self.other:
            self.drop(TEMPLATE)
        else:
            self.embedded.stop()
        shutil.rmtree(self.folder)

    def conninfo(self, *, role: str = "postgres", database: str = "postgres") -> str:
        """What libpq needs to connect as a role; `postgres` is the superuser."""
        if not self.other:
            return self.embedded.conninfo(role=role, database=database)
        # In the superuser's own URL its name may be another one.
        named = {} if role == "postgres" else {"user": role}
        return make_conninfo(self.other, dbname=database, **named)

    def address(self, role: str, database: str) -> PostgresDsn:
        """The address of a database of this server, for a role."""
        if self.other:
            other = make_url(self.other).set(username=role, database=database)
            return PostgresDsn(other.render_as_string(hide_password=False))
        # libpq lets the query's host, the folder of the socket, win over the one that a URL has to name.
        url = make_url(self.embedded.url(role=role, database=database)).set(host="localhost")
        return PostgresDsn(url.render_as_string(hide_password=False))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.folder / "template.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def new_folder() -> Path:
    """A folder for one run, which the account of the server may enter too; what killed runs left is removed."""
    temporary = Path(tempfile.gettempdir())
    for left in temporary.glob(f"{_PREFIX}*"):
        process = left.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdecimal() and not psutil.pid_exists(int(process)) and os.access(left, os.W_OK):
            with suppress(FileNotFoundError):  # another run that starts now may be at it too
                ServerOfTests(left).remove()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    folder.chmod(0o755)
    return folder
