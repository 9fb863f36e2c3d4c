"""A database whose every transaction is part of the test's own, which is rolled back in the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from academe.platform.actor import Actor
from academe.platform.database.session import Database, ReadSession, Session

_READ_CONTEXT = text(
    "SELECT current_setting('role') AS role, current_setting('academe.actor_kind', true) AS kind,"
    " current_setting('academe.person_id', true) AS person,"
    " current_setting('statement_timeout') AS timeout"
)
_SET_CONTEXT = text(
    "SELECT set_config('role', :role, true), set_config('academe.actor_kind', :kind, true),"
    " set_config('academe.person_id', :person, true), set_config('statement_timeout', :timeout, true)"
)
_BECOME = text("SELECT set_config('academe.actor_kind', :kind, true), set_config('academe.person_id', :person, true)")


class JoinedDatabase(Database):
    """A Database on one connection with a transaction of its own: a commit releases a savepoint, no more.

    One transaction at a time, or one inside another; never two side by side. When a transaction ends, the one
    around it acts for the same actor as before, and what the test's own `session` holds is flushed before one
    begins.
    """

    def __init__(self, database: Database, connection: AsyncConnection) -> None:
        # A session accepts a connection wherever it accepts an engine.
        super().__init__(database.settings, engine=cast("AsyncEngine", connection))
        self.connection = connection
        self.test_session: Session | None = None

    @asynccontextmanager
    async def transaction(self, actor: Actor, *, timeout_seconds: int | None = None) -> AsyncIterator[Session]:
        context = await self._before()
        async with super().transaction(actor, timeout_seconds=timeout_seconds) as session:
            yield session
        await self._after(context)

    @asynccontextmanager
    async def reading(
        self, actor: Actor, *, timeout_seconds: int | None = None, newest: bool = False
    ) -> AsyncIterator[ReadSession]:
        context = await self._before()
        async with super().reading(actor, timeout_seconds=timeout_seconds, newest=newest) as session:
            yield session
        await self._after(context)

    @asynccontextmanager
    async def for_test(self, actor: Actor) -> AsyncIterator[Session]:
        """The session of the test itself: begun like any other, and left without a commit."""
        async with Session(self.connection, expire_on_commit=False) as session:
            await session.execute(_SET_CONTEXT, self._context(actor, None, read_only=False))
            self.test_session = session
            yield session
            self.test_session = None

    async def _before(self) -> Row[tuple[str, str, str, str]]:
        if self.test_session is not None:
            await self.test_session.flush()
        return (await self.connection.execute(_READ_CONTEXT)).one()

    async def _after(self, context: Row[tuple[str, str, str, str]]) -> None:
        """After a commit only: a rollback to the savepoint has brought the settings back by itself."""
        await self.connection.execute(_SET_CONTEXT, {key: value or "" for key, value in context._mapping.items()})


@asynccontextmanager
async def rolled_back(database: Database) -> AsyncIterator[JoinedDatabase]:
    """The same database, with nothing that happens inside the block remaining."""
    async with database.engine.connect() as connection:
        outer = await connection.begin()
        # Inside a savepoint, sessions make savepoints of their own instead of ending the outer transaction.
        await connection.begin_nested()
        try:
            yield JoinedDatabase(database, connection)
        finally:
            await outer.rollback()


@asynccontextmanager
async def as_actor(session: AsyncSession, actor: Actor) -> AsyncIterator[None]:
    """Let `actor` act inside the block, for row-level security, and whoever acted before it afterwards.

    Rows that the session has loaded stay loaded: ask with `select`, not with `get`.
    """
    await session.flush()
    context = (await session.execute(_READ_CONTEXT)).one()
    await session.execute(_BECOME, {"kind": actor.kind.value, "person": str(actor.person_id or "")})
    try:
        yield
    finally:
        await session.execute(_BECOME, {"kind": context.kind or "", "person": context.person or ""})
