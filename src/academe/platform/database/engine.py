"""Engines made from the settings: the embedded server or any PostgreSQL, pooled or not, with TLS, and a replica."""

import time
from typing import Any, Final

from sqlalchemy import URL, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from academe.platform.database.embedded import EmbeddedServer
from academe.platform.settings import PoolKind, Settings

APP_ROLE = "academe_app"
"""Owns nothing and is subject to row-level security; every request and job runs as this role."""

OWNER_ROLE = "academe_owner"
"""Owns the tables and migrates; used by `academe db` alone."""

READONLY_ROLE = "academe_readonly"
"""May read what row-level security shows it; for reporting tools."""

_RESTED_SECONDS: Final = 1.0
_RETURNED: Final = "academe_returned"


def embedded_server(settings: Settings) -> EmbeddedServer | None:
    """The embedded server of this installation, or None when `DATABASE_URL` names a server."""
    return None if settings.database_url else EmbeddedServer(settings.data_dir / "postgres")


def database_url(settings: Settings, *, role: str = APP_ROLE) -> URL:
    """The address of the database for one of the three roles; starts the embedded server when there is no other."""
    server = embedded_server(settings)
    if server is not None:
        server.ensure_running()
        return make_url(server.url(role=role))
    given = settings.database_owner_url if role == OWNER_ROLE else None
    return _for_psycopg(str(given or settings.database_url), settings)


def replica_url(settings: Settings) -> URL | None:
    """The address of the read replica, when there is one."""
    return _for_psycopg(str(settings.database_replica_url), settings) if settings.database_replica_url else None


def _for_psycopg(address: str, settings: Settings) -> URL:
    url = make_url(address).set(drivername="postgresql+psycopg")
    tls: dict[str, str] = {}
    if settings.database_tls:
        tls["sslmode"] = settings.database_tls.value
    if settings.database_tls_root_certificate:
        tls["sslrootcert"] = str(settings.database_tls_root_certificate)
    return url.update_query_dict(tls)


def make_engine(settings: Settings, url: URL) -> AsyncEngine:
    """An engine with the pool the settings ask for.

    Without a client pool, statements are not prepared on the server either: a transaction-pooling proxy may give each
    transaction another server connection.
    """
    arguments: dict[str, Any] = {
        "connect_timeout": settings.database_connect_timeout_seconds,
        "application_name": "academe",
    }
    if settings.database_pool is PoolKind.NONE:
        return create_async_engine(
            url, hide_parameters=True, poolclass=NullPool, connect_args=arguments | {"prepare_threshold": None}
        )
    engine = create_async_engine(
        url,
        pool_size=settings.database_pool_size,
        hide_parameters=True,  # an error that is logged must not carry people's data
        max_overflow=settings.database_pool_overflow,
        pool_use_lifo=True,  # the connections used last are warm, the others may rest
        pool_recycle=settings.database_pool_recycle_seconds,
        pool_timeout=settings.database_connect_timeout_seconds,
        connect_args=arguments,
    )
    _ping_rested_connections(engine)
    return engine


def _ping_rested_connections(engine: AsyncEngine) -> None:
    """Try a pooled connection before use when it has rested, and replace it when the server has gone.

    The pool's own `pre_ping` asks before every use, which costs each request a round trip; a connection that answered
    a second ago needs no question, and the edge repeats the reads that meet a server going in between.
    """
    dialect = engine.dialect

    def note(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[_RETURNED] = time.monotonic()

    def ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: Any) -> None:
        returned = record.info.get(_RETURNED)
        if returned is None or time.monotonic() - returned < _RESTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            if dialect.is_disconnect(error, connection, None):
                raise DisconnectionError from error
            raise

    event.listen(engine.sync_engine.pool, "checkin", note)
    event.listen(engine.sync_engine.pool, "checkout", ask)
