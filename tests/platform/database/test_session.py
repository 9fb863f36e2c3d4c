"""Who acts in a transaction, what a commit keeps, and that readers cannot write."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from academe.platform.actor import ANONYMOUS, Actor, ActorKind, system_actor
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
