"""What the database refuses is told in the caller's terms, and never with the values."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table, UniqueConstraint, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from academe.platform.database.base import Base
from academe.platform.database.session import Database
from academe.platform.http import database_errors
from academe.platform.http.database_errors import explained

pytestmark = pytest.mark.anyio

SECRET = "anna@school.test"
TABLES = (
    "CREATE TEMPORARY TABLE trial_course (id integer CONSTRAINT pk_trial_course PRIMARY KEY)",
    """
    CREATE TEMPORARY TABLE trial_entry (
        id integer NOT NULL,
        email text CONSTRAINT uq_trial_entry_email UNIQUE,
        course_id integer CONSTRAINT fk_trial_entry_course_id REFERENCES trial_course,
        score integer CONSTRAINT ck_trial_entry_score_in_range CHECK (score BETWEEN 0 AND 100),
        code text CONSTRAINT uq_trial_entry_code UNIQUE,
        span int4range,
        CONSTRAINT ex_trial_entry_span EXCLUDE USING gist (span WITH &&)
    )
    """,
    "INSERT INTO trial_course VALUES (1)",
    "INSERT INTO trial_entry VALUES (1, 'anna@school.test', 1, 50, 'A', '[1,3]')",
)


@pytest.fixture
async def connection(worker_database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection with tables that refuse a lot; they are gone after the test."""
    async with worker_database.engine.connect() as connection:
        for statement in TABLES:
            await connection.execute(text(statement))
        yield connection
        await connection.rollback()


@pytest.fixture(scope="module", autouse=True)
def modelled() -> Iterator[None]:
    """Models of the tables, as the application would have them; one constraint has a message of its own."""
    course = Table("trial_course", Base.metadata, Column("id", Integer, primary_key=True))
    entry = Table(
        "trial_entry",
        Base.metadata,
        Column("id", Integer, primary_key=True),
        Column("email", String, unique=True),
        Column("code", String),
        Column("course_id", ForeignKey("trial_course.id")),
        UniqueConstraint("code", info={"message": "This code belongs to another entry."}),
    )
    database_errors._constraints.cache_clear()
    yield
    Base.metadata.remove(entry)
    Base.metadata.remove(course)
    database_errors._constraints.cache_clear()


async def refused(connection: AsyncConnection, statement: str) -> SQLAlchemyError:
    with pytest.raises(SQLAlchemyError) as caught:
        await connection.execute(text(statement))
    return caught.value


class TestIntegrity:
    @pytest.mark.parametrize(
        ("statement", "status", "message", "fields"),
        [
            (
                "INSERT INTO trial_entry VALUES (2, 'anna@school.test')",
                409,
                "There is already a trial entry with this email.",
                ["email"],
            ),
            (
                "INSERT INTO trial_entry (id, code) VALUES (2, 'A')",
                409,
                "This code belongs to another entry.",
                ["code"],
            ),
            (
                "INSERT INTO trial_entry (id, course_id) VALUES (2, 99)",
                422,
                "What course refers to does not exist.",
                ["course_id"],
            ),
            ("DELETE FROM trial_course", 409, "It is still used by a trial entry and cannot be removed.", []),
            (
                "INSERT INTO trial_entry (id, score) VALUES (2, 101)",
                422,
                "A rule of the trial entry does not allow this: score in range.",
                [],
            ),
            ("INSERT INTO trial_entry (id) VALUES (NULL)", 422, "A value is missing.", ["id"]),
            (
                "INSERT INTO trial_entry (id, span) VALUES (2, '[2,5]')",
                409,
                "This overlaps with another trial entry.",
                [],
            ),
            (
                "INSERT INTO trial_entry (id) VALUES (99999999999)",
                422,
                "A value is not of the kind or size that is stored there.",
                [],
            ),
        ],
    )
    async def test_is_explained(
        self, connection: AsyncConnection, statement: str, status: int, message: str, fields: list[str]
    ) -> None:
        told = explained(await refused(connection, statement))
        assert told is not None
        assert (told.status, told.message) == (status, message)
        assert [error.field for error in told.errors] == fields
        assert SECRET not in told.message


class TestAvailability:
    async def test_a_statement_that_takes_too_long_is_503(self, connection: AsyncConnection) -> None:
        await connection.execute(text("SET LOCAL statement_timeout = '10ms'"))
        told = explained(await refused(connection, "SELECT pg_sleep(5)"))
        assert told is not None
        assert told.status == 503
        assert "too long" in told.message

    async def test_a_server_that_is_not_there_is_503(self) -> None:
        engine = create_async_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
        with pytest.raises(OperationalError) as caught:
            await engine.connect().__aenter__()
        told = explained(caught.value)
        assert told is not None
        assert told.status == 503
        await engine.dispose()

    def test_a_pool_without_a_free_connection_is_503(self) -> None:
        told = explained(PoolTimeoutError("QueuePool limit"))
        assert told is not None
        assert told.status == 503

    @pytest.mark.parametrize(
        "cause",
        [psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected, psycopg.errors.DiskFull],
    )
    def test_what_may_work_later_is_503(self, cause: type[Exception]) -> None:
        told = explained(OperationalError("SELECT", {}, cause()))
        assert told is not None
        assert told.status == 503


class TestOther:
    async def test_row_level_security_is_403(self) -> None:
        told = explained(ProgrammingError("INSERT", {}, psycopg.errors.InsufficientPrivilege()))
        assert told is not None
        assert told.status == 403

    async def test_a_character_that_cannot_be_stored_is_422(self, connection: AsyncConnection) -> None:
        with pytest.raises(DBAPIError) as caught:
            await connection.execute(text("SELECT CAST(:name AS text)"), {"name": "nul\x00byte"})
        told = explained(caught.value)
        assert told is not None
        assert told.status == 422

    async def test_a_wrong_statement_is_our_fault(self, connection: AsyncConnection) -> None:
        assert explained(await refused(connection, "SELECT nothing FROM nowhere")) is None
