"""The roles, the database and the extensions that a new server needs; every step may be repeated."""

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

SUPERUSER = "postgres"
"""Only for setting up: nothing of the application connects with it."""

OWNER_ROLE = "academe_owner"
APPLICATION_ROLE = "academe_app"
READ_ONLY_ROLE = "academe_readonly"

EXTENSIONS = ("vector", "pg_trgm", "btree_gist", "pg_stat_statements")

# The owner creates databases because tests clone one from a template.
_ROLES = {
    OWNER_ROLE: "LOGIN NOSUPERUSER CREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS",
    APPLICATION_ROLE: "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS",
    READ_ONLY_ROLE: "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS",
}

_LOCK = 0x61636164
"""Advisory lock: two processes that provision at once take turns."""


def provision(conninfo: str, *, database: str = "academe", extensions: tuple[str, ...] = EXTENSIONS) -> None:
    """Create what is missing of the roles, of `database` and its `extensions`, and correct the roles' rights.

    `conninfo` connects to the maintenance database as a superuser. Safe to repeat after it broke off
    anywhere.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        for role, rights in _ROLES.items():
            _ensure_role(connection, role, sql.SQL(rights))
        _ensure_database(connection, database)
        with psycopg.connect(make_conninfo(conninfo, dbname=database), autocommit=True) as inside:
            for extension in extensions:
                _ensure_extension(inside, extension)


def _ensure_role(connection: psycopg.Connection, role: str, rights: sql.SQL) -> None:
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = sql.SQL("ALTER" if found else "CREATE")
    connection.execute(sql.SQL("{} ROLE {} {}").format(verb, sql.Identifier(role), rights))


def _ensure_database(connection: psycopg.Connection, database: str) -> None:
    name, owner = sql.Identifier(database), sql.Identifier(OWNER_ROLE)
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
    connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, owner))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    readers = sql.SQL(", ").join([sql.Identifier(APPLICATION_ROLE), sql.Identifier(READ_ONLY_ROLE)])
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, readers))
    # Imports stage their rows in temporary tables.
    application = sql.Identifier(APPLICATION_ROLE)
    connection.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(name, application))


def _ensure_extension(connection: psycopg.Connection, extension: str) -> None:
    name = sql.Identifier(extension)
    connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(name))
    # A newer wheel may bring a newer extension.
    connection.execute(sql.SQL("ALTER EXTENSION {} UPDATE").format(name))
