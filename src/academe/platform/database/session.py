"""One transaction per request or job, begun and committed here and nowhere else.

Every transaction starts by telling PostgreSQL who acts: the role `academe_app`, the kind of actor and the person. The
row-level-security policies read these settings, which end with the transaction, so a pooled connection never carries
one request's rights into the next.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.orm import SessionTransaction

from academe.platform.actor import Actor
from academe.platform.database.driver import DriverStatement, transaction_at_once
from academe.platform.database.embedded.errors import EmbeddedServerError
from academe.platform.database.engine import APP_ROLE, database_url, embedded_server, make_engine, replica_url
from academe.platform.database.keyring import attach_keyring
from academe.platform.database.revival import revive_before_connecting
from academe.platform.database.turns import Turns
from academe.platform.settings import Settings

Result = TypeVar("Result")

TRANSIENT_STATES: Final = frozenset({"40001", "40P01", "57P01", "57P02", "57P03"})
"""SQLSTATEs after which the same transaction may succeed: serialization failure, deadlock, server going or coming."""

# The connection failed, the server stops or starts, or it has no room for another connection.
_AWAY: Final = ("08", "57P", "53300")
_DISK_FULL: Final = "53100"

# One statement, because each costs a round trip in every request. Compiling a statement takes a server that was built
# with LLVM a second for the features of one day, which it then computes in a third of one.
_SAY_WHO_ACTS: Final = DriverStatement(
    "SELECT set_config('role', %(role)s, true), set_config('academe.actor_kind', %(kind)s, true),"
    " set_config('academe.person_id', %(person)s, true), set_config('statement_timeout', %(timeout)s, true),"
    " set_config('transaction_read_only', %(read_only)s, true), set_config('jit', 'off', true)",
    operation="begin",
    table="",
)
_CONTEXT: Final = "academe_context"
_TURNS: Final = "academe_turns"

_HOT_AT_ONCE: Final = max(4, 2 * (os.cpu_count() or 1))
_HOT_PATIENCE_SECONDS: Final = 0.05


class Session(AsyncSession):
    """A session that may write. Verbs take it, flush, and never commit.

    `before_commit` holds work that must come last in the transaction (the audit chain's lock is then held only for the
    time of the commit); use `audit.record` rather than appending here.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.before_commit: list[Callable[[Session], Awaitable[None]]] = []

    async def finish(self) -> None:
        """Flush and do what was kept for the end; called once, right before the commit."""
        await self.flush()
        while self.before_commit:
            await self.before_commit.pop(0)(self)


class _SyncReadSession(SyncSession):
    """What does the work of a ReadSession; told apart so that its transactions alone begin by themselves."""


@event.listens_for(_SyncReadSession, "after_begin")
def _say_who_reads(session: SyncSession, _transaction: SessionTransaction, connection: Connection) -> None:
    connection.exec_driver_sql(_SAY_WHO_ACTS.sql, session.info[_CONTEXT]).close()


class ReadSession(AsyncSession):
    """A session that only reads, perhaps from a replica; PostgreSQL refuses writes in it.

    Its transaction begins with the first statement that is not hot, so that a request which asks nothing of the
    database costs it nothing. Hot statements need none of SQLAlchemy's layers.
    """

    sync_session_class = _SyncReadSession

    async def run_hot(self, statement: DriverStatement, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Every row of a statement that the driver sends itself.

        Before the first other statement it is a transaction of its own, sent and answered at once: every statement sees
        what was committed when it began, with or without others in its transaction. It ends by a commit, because the
        driver forgets every prepared statement at a rollback.
        """
        engine = self.bind
        if self.in_transaction() or not isinstance(engine, AsyncEngine):
            return await statement.rows(await self.connection(), parameters)
        steps = [(_SAY_WHO_ACTS, self.info[_CONTEXT]), (statement, parameters)]
        async with self.info[_TURNS].turn(), engine.connect() as connection:
            return await transaction_at_once(connection, steps)


class Database:
    """The engines of one process and the only way to a session."""

    def __init__(self, settings: Settings, *, engine: AsyncEngine | None = None) -> None:
        self.settings = settings
        self.engine = engine or make_engine(settings, database_url(settings))
        replica = replica_url(settings)
        self.read_engine = make_engine(settings, replica) if replica else self.engine
        # Hot statements take a millisecond. More of them at once than there are cores only take them from each other
        # and from this process: sixteen callers of a roster are answered a fifth faster four at a time.
        self._turns = Turns(_HOT_AT_ONCE, patience_seconds=_HOT_PATIENCE_SECONDS)
        for reader_or_writer in (self.engine, self.read_engine):
            attach_keyring(reader_or_writer, self.engine, lambda: settings.master_keys)
        server = embedded_server(settings)
        if engine is None and server is not None:
            revive_before_connecting(self.engine, server.ensure_running)

    @property
    def has_replica(self) -> bool:
        """Whether reading goes to another server than writing, which may be a little behind."""
        return self.read_engine is not self.engine

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()
        if self.has_replica:
            await self.read_engine.dispose()

    @asynccontextmanager
    async def transaction(self, actor: Actor, *, timeout_seconds: int | None = None) -> AsyncIterator[Session]:
        """A transaction that commits when the block ends and rolls back when it raises.

        `timeout_seconds` replaces the statement timeout of the settings; 0 is none (imports and training).
        """
        async with Session(self.engine, expire_on_commit=False) as session, session.begin():
            context = self._context(actor, timeout_seconds, read_only=False)
            await _SAY_WHO_ACTS.rows(await session.connection(), context)
            yield session
            await session.finish()

    async def at_once(
        self, actor: Actor, steps: Sequence[tuple[DriverStatement, Mapping[str, Any]]]
    ) -> Sequence[tuple[Any, ...]]:
        """A transaction of statements that do not need each other's rows, in one round trip; the last one's rows."""
        context = self._context(actor, None, read_only=False)
        async with self.engine.connect() as connection:
            return await transaction_at_once(connection, [(_SAY_WHO_ACTS, context), *steps])

    @asynccontextmanager
    async def reading(
        self, actor: Actor, *, timeout_seconds: int | None = None, newest: bool = False
    ) -> AsyncIterator[ReadSession]:
        """A read-only transaction, on the replica when there is one.

        With `newest`, on the primary, which knows what the replica may not know yet.
        """
        context = self._context(actor, timeout_seconds, read_only=True)
        info = {_CONTEXT: context, _TURNS: self._turns}
        engine = self.engine if newest else self.read_engine
        async with ReadSession(engine, expire_on_commit=False, info=info) as session:
            yield session

    async def run(self, actor: Actor, work: Callable[[Session], Awaitable[Result]], *, attempts: int = 3) -> Result:
        """Do `work` in a transaction, again from the start when the failure is transient.

        Only for work that is safe to repeat: nothing outside the transaction may have happened.
        """
        for attempt in range(1, attempts + 1):
            try:
                async with self.transaction(actor) as session:
                    return await work(session)
            except DBAPIError as error:
                if attempt == attempts or not is_transient(error):
                    raise
                await asyncio.sleep(0.05 * 2**attempt)
        raise AssertionError("attempts is at least 1")

    def _context(self, actor: Actor, timeout_seconds: int | None, *, read_only: bool) -> dict[str, str]:
        timeout = self.settings.database_statement_timeout_seconds if timeout_seconds is None else timeout_seconds
        return {
            "role": APP_ROLE,
            "kind": actor.kind.value,
            "person": str(actor.person_id or ""),
            "timeout": f"{timeout}s",
            "read_only": "on" if read_only else "off",
        }


def is_away(error: Exception) -> bool:
    """Whether the database could not be reached, or went away; not that it answered and refused."""
    if isinstance(error, DBAPIError):
        state: str | None = getattr(error.orig, "sqlstate", None)
        if state is None:
            return error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))
        return state.startswith(_AWAY)
    return isinstance(error, (NoConnectionError, EmbeddedServerError, OSError))


def is_disk_full(error: Exception) -> bool:
    """Whether PostgreSQL found no space for what it should store."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == _DISK_FULL


def is_transient(error: DBAPIError) -> bool:
    """Whether the same transaction, begun again, may succeed."""
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or (state is not None and (state in TRANSIENT_STATES or state.startswith("08")))
