"""Whether a database is fit for use: what is checked, what was found, and what would mend it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection, MetaData, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from academe.platform.clock import now
from academe.platform.database import migrate
from academe.platform.database.base import PEOPLE
from academe.platform.database.engine import APP_ROLE, READONLY_ROLE, database_url
from academe.platform.database.roles import (
    MINIMUM_VERSION,
    RECOMMENDED_EXTENSIONS,
    REQUIRED_EXTENSIONS,
    may_act_as_application,
    server_version,
)
from academe.platform.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked. `fix` says what to do when it is not `ok`; it is empty otherwise."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


_MIGRATE: Final = "academe db migrate"

_OWNED: Final = text(
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner ="
    " (SELECT oid FROM pg_roles WHERE rolname = :role) ORDER BY relname"
)
_ROLE: Final = text("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = :role")
_CREATES: Final = text("SELECT has_schema_privilege(CAST(:role AS name), 'public', 'CREATE')")
_SECURED: Final = text(
    "SELECT relname, relrowsecurity, (SELECT count(*) FROM pg_policy WHERE polrelid = pg_class.oid) AS policies"
    " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
)
_PARTITION_GRANTS: Final = text(
    "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " AND has_table_privilege(CAST(:role AS name), oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') ORDER BY relname"
)
# The name of a partition ends with its month: y2026m11.
_LAST_MONTHS: Final = text(
    "SELECT parent.relname AS name, max(right(child.relname, 7)) AS month"
    " FROM pg_partitioned_table JOIN pg_class parent ON parent.oid = partrelid"
    " LEFT JOIN pg_inherits ON inhparent = parent.oid LEFT JOIN pg_class child ON child.oid = inhrelid"
    " WHERE parent.relnamespace = 'public'::regnamespace GROUP BY parent.relname ORDER BY 1"
)


def verify(settings: Settings, metadata: MetaData) -> list[Check]:
    """Check connection, version, extensions, migrations, roles, row-level security and partitions, in this order.

    `metadata` holds every table of the package. A check that needs an earlier one to be ok is left out without it.
    """
    engine = create_engine(
        database_url(settings),
        poolclass=NullPool,
        connect_args={"connect_timeout": settings.database_connect_timeout_seconds},
    )
    try:
        with engine.connect() as connection:
            return list(_checks(connection, settings, metadata))
    except DBAPIError as error:
        fix = "Check DATABASE_URL and DATABASE_TLS, and that the server takes connections."
        return [Check("connection", ok=False, detail=str(error.orig).strip().splitlines()[0], fix=fix)]


def _checks(connection: Connection, settings: Settings, metadata: MetaData) -> Iterator[Check]:
    who, where = connection.execute(text("SELECT session_user, current_database()")).one()
    yield Check("connection", ok=True, detail=f"as {who} to database {where}")
    yield _version(connection)
    yield from _extensions(connection)
    migrations = _migrations(settings)
    yield migrations
    yield from _roles(connection, who)
    if migrations.ok:
        yield from _row_level_security(connection, metadata)
        yield _partition_rights(connection)
        yield from _partitions_ahead(connection)


def _check(name: str, faults: list[str], well: str, fix: str | Callable[[], str]) -> Check:
    if not faults:
        return Check(name, ok=True, detail=well)
    return Check(name, ok=False, detail="; ".join(faults), fix=fix if isinstance(fix, str) else fix())


def _version(connection: Connection) -> Check:
    version = server_version(connection)
    faults = [] if version >= MINIMUM_VERSION else [f"PostgreSQL {version} is too old"]
    return _check("version", faults, f"PostgreSQL {version}", f"Use PostgreSQL {MINIMUM_VERSION} or later.")


def _extensions(connection: Connection) -> Iterator[Check]:
    found = connection.execute(text("SELECT extname, extversion FROM pg_extension"))
    installed: dict[str, str] = {row.extname: row.extversion for row in found}
    for extension in REQUIRED_EXTENSIONS:
        faults = [] if extension in installed else ["missing"]
        yield _check(
            f"extension {extension}",
            faults,
            installed.get(extension, ""),
            f"CREATE EXTENSION {extension}, as superuser",
        )
    for extension in RECOMMENDED_EXTENSIONS:
        detail = installed.get(extension, f"not there; recommended: CREATE EXTENSION {extension}")
        yield Check(f"extension {extension}", ok=True, detail=detail)


def _migrations(settings: Settings) -> Check:
    at, head = migrate.current(settings), migrate.head()
    faults = [] if at == head else [f"at {at or 'nothing'}, this release needs {head}"]
    return _check("migrations", faults, f"at {head}", _MIGRATE)


def _roles(connection: Connection, login: str) -> Iterator[Check]:
    for role in (APP_ROLE, READONLY_ROLE):
        rights = connection.execute(_ROLE, {"role": role}).one_or_none()
        if rights is None:
            yield Check(f"role {role}", ok=False, detail="missing", fix=_MIGRATE)
            continue
        faults = [
            f"is {name}" for name, has in zip(("superuser", "free of row-level security"), rights, strict=False) if has
        ]
        faults += [f"may create {name}" for name, has in zip(("roles", "databases"), rights[2:], strict=True) if has]
        faults += [f"owns {name}" for name in connection.execute(_OWNED, {"role": role}).scalars()]
        if connection.execute(_CREATES, {"role": role}).scalar_one():
            faults.append("may create tables")
        fix = (
            f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB; REVOKE CREATE ON SCHEMA public FROM"
            f" PUBLIC, {role}; tables belong to the owner (ALTER TABLE ... OWNER TO)"
        )
        yield _check(f"role {role}", faults, "owns nothing, creates nothing, subject to row-level security", fix)
    if connection.execute(_ROLE, {"role": APP_ROLE}).one_or_none() is not None:
        faults = [] if may_act_as_application(connection, login) else [f"{login} may not act as {APP_ROLE}"]
        yield _check("login", faults, f"{login} acts as {APP_ROLE}", f'GRANT {APP_ROLE} TO "{login}"')


def _row_level_security(connection: Connection, metadata: MetaData) -> Iterator[Check]:
    secured = {row.relname: row for row in connection.execute(_SECURED)}
    people = sorted(table.name for table in metadata.tables.values() if table.info.get(PEOPLE))
    faults = []
    for name in people:
        row = secured.get(name)
        if row is None:
            faults.append(f"{name} is missing")
        elif not row.relrowsecurity:
            faults.append(f"{name} has no row-level security")
        elif not row.policies:
            faults.append(f"{name} has no policy")
    fix = "Somebody changed the tables by hand: ALTER TABLE ... ENABLE ROW LEVEL SECURITY; policies are in migrations/."
    yield _check("row-level security", faults, f"on all {len(people)} tables with records of people", fix)


def _partition_rights(connection: Connection) -> Check:
    faults = [
        f"{role} may use {name} without its parent's policies"
        for role in (APP_ROLE, READONLY_ROLE)
        for name in connection.execute(_PARTITION_GRANTS, {"role": role}).scalars()
    ]
    return _check("rights on partitions", faults, "none", "REVOKE ALL ON <partition> FROM <role>")


def _partitions_ahead(connection: Connection) -> Iterator[Check]:
    this_month = now().date().replace(day=1)
    for row in connection.execute(_LAST_MONTHS):
        last = date(int(row.month[0:4]), int(row.month[5:7]), 1) if row.month else None
        faults = [] if last is not None and last > this_month else [f"the last is {last or 'none'}"]
        well = f"up to {last:%B %Y}" if last else ""
        yield _check(f"partitions of {row.name}", faults, well, "academe worker, which makes them ahead of time")
