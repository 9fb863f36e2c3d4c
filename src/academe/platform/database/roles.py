"""What the migrations need from the server before the first table: roles, extensions, who may act as whom.

The embedded server is provisioned with all of it. On another server the owner creates what it is permitted to
create; for the rest the error lists the statements that an administrator has to run once.
"""

from typing import Final

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from academe.platform.database.engine import APP_ROLE, READONLY_ROLE
from academe.platform.errors import AcademeError

REQUIRED_EXTENSIONS: Final = ("btree_gist", "pg_trgm")
"""Without them the tables cannot be made: exclusion constraints and search by parts of a name."""

RECOMMENDED_EXTENSIONS: Final = ("vector", "pg_stat_statements")
"""Used when present: retrieval by meaning, and statistics of statements."""

MINIMUM_VERSION: Final = 15


class DatabaseNotPreparedError(AcademeError):
    """The server lacks something that only its administrator can give; the message lists the statements."""

    status = 503
    title = "The database needs its administrator once"

    def __init__(self, statements: list[str]) -> None:
        listed = "\n".join(f"    {statement};" for statement in statements)
        super().__init__(f"Please let an administrator of the PostgreSQL server run, in this database:\n{listed}")
        self.statements = tuple(statements)


class UnsupportedServerError(AcademeError):
    """The server is older than the oldest version that Academe runs on."""

    status = 503
    title = "This PostgreSQL is too old"


def prepare(connection: Connection, *, login: str) -> None:
    """Create the missing roles and extensions, and let `login` act as the application role.

    `login` is the role as which the application connects. Steps that are not permitted are collected, and
    DatabaseNotPreparedError names them all at once. Repeating it changes nothing.
    """
    version = server_version(connection)
    if version < MINIMUM_VERSION:
        raise UnsupportedServerError(f"The server is PostgreSQL {version}; Academe needs {MINIMUM_VERSION} or later.")
    wanted = _missing_roles(connection) + _missing_extensions(connection, REQUIRED_EXTENSIONS)
    refused = [statement for statement in wanted if not _attempt(connection, statement)]
    grant = f'GRANT {APP_ROLE} TO "{login}"'
    # Whoever may not make the role may not grant it either; the administrator is asked once, for all of it.
    without_role = any(APP_ROLE in statement for statement in refused)
    if without_role or (not may_act_as_application(connection, login) and not _attempt(connection, grant)):
        refused.append(grant)
    if refused:
        raise DatabaseNotPreparedError(refused)
    for statement in _missing_extensions(connection, RECOMMENDED_EXTENSIONS):
        _attempt(connection, statement)


def server_version(connection: Connection) -> int:
    """The major version of the server."""
    version: int = connection.execute(
        text("SELECT current_setting('server_version_num')::integer / 10000")
    ).scalar_one()
    return version


def may_act_as_application(connection: Connection, login: str) -> bool:
    """Whether `login` may `SET ROLE academe_app` (before PostgreSQL 16 any membership allows it)."""
    permitted: bool = connection.execute(
        text("SELECT pg_has_role(CAST(:login AS name), CAST(:role AS name), CAST(:privilege AS text))"),
        {
            "login": login,
            "role": APP_ROLE,
            "privilege": "SET" if server_version(connection) >= 16 else "MEMBER",
        },
    ).scalar_one()
    return permitted


def _missing_roles(connection: Connection) -> list[str]:
    known = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    return [f"CREATE ROLE {role} NOLOGIN" for role in (APP_ROLE, READONLY_ROLE) if role not in known]


def _missing_extensions(connection: Connection, extensions: tuple[str, ...]) -> list[str]:
    installed = set(connection.execute(text("SELECT extname FROM pg_extension")).scalars())
    return [f"CREATE EXTENSION {extension}" for extension in extensions if extension not in installed]


def _attempt(connection: Connection, statement: str) -> bool:
    """Run a statement in a savepoint; False when this role may not, or the server has no such extension."""
    try:
        with connection.begin_nested():
            connection.execute(text(statement))
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.InsufficientPrivilege | psycopg.errors.FeatureNotSupported):
            return False
        if isinstance(error.orig, psycopg.errors.UndefinedFile):
            return False
        raise
    return True
