"""Hot reads run past SQLAlchemy's layers, and all the same as the caller, within limits, with its errors."""

from uuid import uuid4

import pytest
from prometheus_client.registry import REGISTRY
from sqlalchemy import Integer, bindparam, cast, column, func, literal, select, table, text
from sqlalchemy.exc import DBAPIError, PendingRollbackError, ProgrammingError
from sqlalchemy.pool import QueuePool

from academe.platform.actor import Actor, ActorKind
from academe.platform.database.hot import HotStatement
from academe.platform.database.session import Database, is_transient

pytestmark = pytest.mark.anyio

WHO = HotStatement(
    select(func.current_setting("role"), func.actor_person_id(), func.current_setting("transaction_read_only"))
)
DOUBLE = HotStatement(select(cast(bindparam("number"), Integer) * literal(2)))
WRONG = HotStatement(select(column("nothing")).select_from(table("nowhere")))
ENDED = HotStatement(select(func.pg_terminate_backend(func.pg_backend_pid())))
SLOW = HotStatement(select(func.pg_sleep(5)))
STATEMENTS = "academe_database_query_seconds_count"


def person() -> Actor:
    return Actor(kind=ActorKind.PERSON, label="Somebody", person_id=uuid4())


class TestAlone:
    async def test_acts_as_the_caller_and_reads_only(self, worker_database: Database) -> None:
        actor = person()
        async with worker_database.reading(actor) as session:
            assert await WHO.rows(session) == [("academe_app", actor.person_id, "on")]

    async def test_leaves_nothing_on_the_connection(self, worker_database: Database) -> None:
        async with worker_database.reading(person()) as session:
            await WHO.rows(session)
        async with worker_database.engine.connect() as connection:
            found = await connection.execute(
                text("SELECT current_setting('role'), actor_person_id(), current_setting('transaction_read_only')")
            )
            assert tuple(found.one()) == ("none", None, "off")

    async def test_takes_parameters_by_name_and_no_others(self, worker_database: Database) -> None:
        async with worker_database.reading(person()) as session:
            assert await DOUBLE.scalar(session, number=21) == 42
            with pytest.raises(TypeError, match="number"):
                await DOUBLE.rows(session)
            with pytest.raises(TypeError, match="other"):
                await DOUBLE.rows(session, number=1, other=2)

    async def test_is_measured(self, worker_database: Database) -> None:
        labels = {"operation": "select", "table": ""}
        before = REGISTRY.get_sample_value(STATEMENTS, labels) or 0
        async with worker_database.reading(person()) as session:
            await WHO.rows(session)
        assert REGISTRY.get_sample_value(STATEMENTS, labels) == before + 1


class TestWithinATransaction:
    async def test_joins_the_one_that_has_begun(self, worker_database: Database) -> None:
        actor = person()
        async with worker_database.reading(actor) as session:
            backend = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            same = HotStatement(select(func.pg_backend_pid()))
            assert await same.scalar(session) == backend
            assert (await WHO.rows(session))[0][1] == actor.person_id

    async def test_is_one_of_its_own_before_others(self, worker_database: Database) -> None:
        actor = person()
        started = HotStatement(select(func.now()))
        async with worker_database.reading(actor) as session:
            first, second = await started.scalar(session), await started.scalar(session)
            assert first < second
            found = await session.execute(text("SELECT actor_person_id(), current_setting('transaction_read_only')"))
            assert tuple(found.one()) == (actor.person_id, "on")
            assert await started.scalar(session) == await started.scalar(session)
        pool = worker_database.engine.sync_engine.pool
        assert isinstance(pool, QueuePool)
        assert pool.checkedout() == 0

    async def test_works_for_writers_too(self, database: Database) -> None:
        actor = person()
        async with database.transaction(actor) as session:
            assert (await WHO.rows(session))[0][1] == actor.person_id


class TestErrors:
    async def test_are_those_of_sqlalchemy_without_the_values(self, worker_database: Database) -> None:
        async with worker_database.reading(person()) as session:
            with pytest.raises(ProgrammingError) as caught:
                await WRONG.rows(session)
        assert caught.value.hide_parameters
        assert not is_transient(caught.value)

    async def test_the_connection_is_usable_afterwards(self, worker_database: Database) -> None:
        for _ in range(3):
            async with worker_database.reading(person()) as session:
                assert await DOUBLE.scalar(session, number=1) == 2
                with pytest.raises(ProgrammingError):
                    await WRONG.rows(session)

    async def test_a_lost_connection_is_transient_and_replaced(self, own_database: Database) -> None:
        async with own_database.reading(person()) as session:
            with pytest.raises(DBAPIError) as caught:
                await ENDED.rows(session)
        assert is_transient(caught.value)
        async with own_database.reading(person()) as session:
            assert await DOUBLE.scalar(session, number=1) == 2

    async def test_after_a_lost_connection_the_next_one_is_told_who_acts(self, own_database: Database) -> None:
        actor = person()
        async with own_database.reading(actor) as session:
            with pytest.raises(DBAPIError):
                await ENDED.rows(session)
            assert await WHO.rows(session) == [("academe_app", actor.person_id, "on")]

    async def test_nothing_runs_in_a_transaction_that_lost_its_connection(self, own_database: Database) -> None:
        async with own_database.reading(person()) as session:
            await session.execute(text("SELECT 1"))
            with pytest.raises(DBAPIError):
                await ENDED.rows(session)
            with pytest.raises(PendingRollbackError):
                await WHO.rows(session)

    async def test_the_statement_timeout_holds(self, worker_database: Database) -> None:
        async with worker_database.reading(person(), timeout_seconds=1) as session:
            with pytest.raises(DBAPIError) as caught:
                await SLOW.rows(session)
        assert getattr(caught.value.orig, "sqlstate", None) == "57014"


class TestRestedConnections:
    async def test_one_that_the_server_closed_is_replaced_before_use(
        self, own_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with own_database.engine.connect() as first, own_database.engine.connect() as second:
            backend = (await first.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            await first.rollback()
            await first.close()
            await second.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": backend})
        monkeypatch.setattr("academe.platform.database.engine._RESTED_SECONDS", 0.0)
        for _ in range(3):
            async with own_database.transaction(person()) as session:
                found = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            assert found != backend
