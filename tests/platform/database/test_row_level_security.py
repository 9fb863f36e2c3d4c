"""Every table with records of people, every verb, every way of being nobody: nothing is seen and nothing is changed.

The matrix is generated. Each table gets one row of made-up values, with its checks and foreign keys off, so that a
table added later is tested without a line here.
"""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from academe.platform.database.base import PEOPLE
from academe.platform.database.discovery import import_models
from tests.support.databases import ServerOfTests

TABLES = sorted(table.name for table in import_models().tables.values() if table.info.get(PEOPLE))

NOBODIES = {
    "no actor": ("academe_app", "", ""),
    "anonymous": ("academe_app", "anonymous", ""),
    "a stranger": ("academe_app", "person", str(uuid4())),
    "a report without actor": ("academe_readonly", "", ""),
}

# What nobody may insert all the same, and why.
OPEN_TO_INSERTS = {
    "outbox_message": "whoever changes something announces it, and cannot read it afterwards",
}

# By the category of the type (pg_type.typcategory), for whatever stands in a column that must not be null.
_VALUES = """
    SELECT attname, CASE
        WHEN atttypid = 'uuid'::regtype THEN quote_literal(gen_random_uuid())
        WHEN atttypid = 'bytea'::regtype THEN quote_literal('')
        WHEN atttypid IN ('jsonb'::regtype, 'json'::regtype) THEN quote_literal('{}')
        WHEN typcategory = 'N' THEN '1'
        WHEN typcategory = 'B' THEN 'false'
        WHEN typcategory = 'D' THEN 'now()'
        WHEN typcategory = 'A' THEN quote_literal('{}')
        WHEN typcategory = 'R' THEN quote_literal('empty')
        WHEN typcategory = 'T' THEN quote_literal('1 day')
        ELSE quote_literal('x')
    END
    FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
      AND (attnotnull OR attname = ANY (ARRAY['requested_by']))
"""
_DROP_CHECKS = """
    DO $$ DECLARE checked record; BEGIN
        FOR checked IN SELECT conrelid::regclass AS name, conname FROM pg_constraint
            WHERE contype = 'c' AND coninhcount = 0 AND connamespace = 'public'::regnamespace
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', checked.name, checked.conname); END LOOP;
    END $$
"""


def insertion(connection: psycopg.Connection, table: str) -> sql.Composed:
    """The statement that inserts a made-up row."""
    columns = connection.execute(_VALUES, [table]).fetchall()
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        sql.SQL(", ").join(sql.SQL(value) for _, value in columns),
    )


@pytest.fixture(scope="module")
def filled(server: ServerOfTests, worker_id: str) -> Iterator[str]:
    """The name of a database with one row in every table of people."""
    name = f"filled_{worker_id}"
    server.clone(name)
    with server.superuser(name) as connection:
        connection.execute(_DROP_CHECKS.encode())
        connection.execute("SET session_replication_role = replica")
        for table in TABLES:
            connection.execute(insertion(connection, table))
    yield name
    server.drop(name)


@pytest.fixture(params=list(NOBODIES.values()), ids=list(NOBODIES))
def nobody(request: pytest.FixtureRequest, server: ServerOfTests, filled: str) -> Iterator[psycopg.Connection]:
    """A connection as one of the nobodies, in a transaction that is rolled back."""
    role, kind, person = request.param
    with psycopg.connect(server.conninfo(role=role, database=filled)) as connection:
        connection.execute(
            "SELECT set_config('academe.actor_kind', %s, true), set_config('academe.person_id', %s, true)",
            [kind, person],
        )
        yield connection
        connection.rollback()


def affected(connection: psycopg.Connection, statement: str, table: str) -> int:
    """How many rows a statement finds; none when it is refused."""
    try:
        return connection.execute(sql.SQL(statement).format(sql.Identifier(table))).rowcount
    except psycopg.errors.InsufficientPrivilege:
        return 0


@pytest.mark.parametrize("table", TABLES)
class TestNobody:
    def test_the_row_is_there(self, server: ServerOfTests, filled: str, table: str) -> None:
        with server.superuser(filled) as connection:
            assert affected(connection, "SELECT FROM {}", table) == 1

    def test_sees_nothing(self, nobody: psycopg.Connection, table: str) -> None:
        assert affected(nobody, "SELECT FROM {}", table) == 0

    def test_changes_nothing(self, nobody: psycopg.Connection, server: ServerOfTests, filled: str, table: str) -> None:
        with server.superuser(filled) as connection:
            column = connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", [table]
            ).fetchone()
        assert column is not None
        change = sql.SQL("UPDATE {{}} SET {0} = {0}").format(sql.Identifier(column[0])).as_string()
        assert affected(nobody, change, table) == 0

    def test_deletes_nothing(self, nobody: psycopg.Connection, table: str) -> None:
        assert affected(nobody, "DELETE FROM {}", table) == 0

    def test_inserts_nothing(self, nobody: psycopg.Connection, table: str) -> None:
        statement = insertion(nobody, table)
        if table in OPEN_TO_INSERTS and nobody.info.user == "academe_app":
            assert nobody.execute(statement).rowcount == 1
            return
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            nobody.execute(statement)

    def test_empties_nothing(self, nobody: psycopg.Connection, table: str) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            nobody.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(table)))


def test_the_usual_policy_is_asked_first(server: ServerOfTests, filled: str) -> None:
    """PostgreSQL asks in the reverse order of the names; the others are for few people and cost everybody."""
    with server.superuser(filled) as connection:
        several = connection.execute(
            'SELECT polrelid::regclass::text, max(polname::text COLLATE "C") FROM pg_policy'
            " WHERE polpermissive AND polcmd IN ('r', '*') GROUP BY 1 HAVING count(*) > 1"
        ).fetchall()
    assert len(several) > 5
    assert [table for table, last in several if last != "usual_reads"] == []
