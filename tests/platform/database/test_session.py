"""Who acts in a transaction, what a commit keeps, and that readers cannot write."""

import asyncio
from uuid import uuid4

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from academe.platform.actor import ANONYMOUS, Actor, ActorKind, system_actor
from academe.platform.database.driver import DriverStatement
from academe.platform.database.session import Database, Session
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

CONTEXT = text("SELECT current_user, actor_is_system(), actor_person_id()")


def person() -> Actor:
    return Actor(kind=ActorKind.PERSON, label="Somebody", person_id=uuid4())


class TestTransaction:
    async def test_anonymous_is_nobody_as_the_application_role(self, database: Database) -> None:
        async with database.transaction(ANONYMOUS) as session:
            assert tuple((await session.execute(CONTEXT)).one()) == ("academe_app", False, None)

    async def test_a_person_is_known_to_the_database(self, database: Database) -> None:
        actor = person()
        async with database.transaction(actor) as session:
            assert tuple((await session.execute(CONTEXT)).one()) == ("academe_app", False, actor.person_id)

    async def test_the_next_transaction_on_the_connection_knows_nobody(self, worker_database: Database) -> None:
        async with worker_database.transaction(system_actor("test")) as session:
            backend = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        async with worker_database.engine.connect() as connection:
            found = await connection.execute(
                text("SELECT pg_backend_pid(), coalesce(actor_is_system(), false), actor_person_id()")
            )
            assert tuple(found.one()) == (backend, False, None)

    async def test_statements_are_not_compiled(self, database: Database) -> None:
        async with database.transaction(system_actor("test")) as session:
            assert (await session.execute(text("SELECT current_setting('jit')"))).scalar_one() == "off"

    async def test_a_reader_cannot_write(self, database: Database) -> None:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            async with database.reading(system_actor("test")) as session:
                await session.execute(text("CREATE TABLE not_mine (id integer)"))

    async def test_the_application_creates_no_table(self, database: Database) -> None:
        with pytest.raises(DBAPIError, match="permission denied for schema public"):
            async with database.transaction(system_actor("test")) as session:
                await session.execute(text("CREATE TABLE not_mine (id integer)"))


class TestAtOnce:
    async def test_more_than_a_socket_holds_arrives_at_a_server_that_is_busy(self, worker_database: Database) -> None:
        busy = DriverStatement("SELECT pg_sleep(0.2)", operation="select", table="")
        length = DriverStatement("SELECT length(%(text)s::text)", operation="select", table="")
        async with asyncio.timeout(60):  # it would wait for ever
            rows = await worker_database.at_once(ANONYMOUS, [(busy, {}), (length, {"text": "x" * 20_000_000})])
        assert rows == [(20_000_000,)]

    async def test_nothing_of_it_stays_when_one_fails(self, worker_database: Database) -> None:
        name = f"at_once_{uuid4().hex}"
        make = DriverStatement(f"CREATE TEMPORARY TABLE {name} ()", operation="create", table="")
        look = DriverStatement(f"SELECT to_regclass('{name}')", operation="select", table="")
        fail = DriverStatement("SELECT 1 / 0", operation="select", table="")
        with pytest.raises(DBAPIError, match="division by zero"):
            await worker_database.at_once(ANONYMOUS, [(make, {}), (fail, {})])
        assert await worker_database.at_once(ANONYMOUS, [(look, {})]) == [(None,)]

    async def test_the_connection_has_its_own_transactions_afterwards(self, worker_database: Database) -> None:
        one = DriverStatement("SELECT 1", operation="select", table="")
        assert await worker_database.at_once(ANONYMOUS, [(one, {})]) == [(1,)]
        async with worker_database.engine.connect() as connection:
            await one.rows(connection, {})
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            assert driver.info.transaction_status is TransactionStatus.INTRANS


class TestTheTestsOwnTransaction:
    async def test_acting_as_another_ends_with_the_block(self, session: Session) -> None:
        actor = person()
        async with as_actor(session, actor):
            assert (await session.execute(CONTEXT)).one()[2] == actor.person_id
        assert tuple((await session.execute(CONTEXT)).one()) == ("academe_app", True, None)

    async def test_a_request_in_between_leaves_the_actor_as_it_was(self, database: Database, session: Session) -> None:
        async with database.transaction(person()) as inner:
            await inner.execute(text("SELECT 1"))
        async with database.reading(person()) as inner:
            await inner.execute(text("SELECT 1"))
        assert tuple((await session.execute(CONTEXT)).one()) == ("academe_app", True, None)

    async def test_a_failed_request_leaves_the_transaction_usable(self, database: Database, session: Session) -> None:
        with pytest.raises(DBAPIError):
            async with database.transaction(person()) as inner:
                await inner.execute(text("SELECT 1/0"))
        assert tuple((await session.execute(CONTEXT)).one()) == ("academe_app", True, None)
