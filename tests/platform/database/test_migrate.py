"""Migrations go forward and back, one process at a time, and lose nothing unasked."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from academe.platform.database import migrate
from academe.platform.database.engine import OWNER_ROLE, database_url
from academe.platform.database.migrate import DataLossError, DriftError
from academe.platform.database.roles import DatabaseNotPreparedError
from academe.platform.errors import NotFoundError
from academe.platform.settings import Settings
from tests.support.databases import ServerOfTests

JOB = (
    "INSERT INTO job (id, kind, title, status, progress, arguments, actor, attempts)"
    " VALUES (gen_random_uuid(), 'a', 'A', 'queued', 0, '{}', '{}', 0)"
)
UPGRADE = """
import sys
from academe.platform.database.migrate import upgrade
from academe.platform.settings import Settings
url, owner, folder = sys.argv[1:]
print(len(upgrade(Settings(_env_file=None, database_url=url, database_owner_url=owner, data_dir=folder))))
"""
LEFT = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')"
    " UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind <> 'a'"
    " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"
    " UNION SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'"
)


@pytest.fixture
def empty(server: ServerOfTests, worker_id: str, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Settings of a database in which nothing is."""
    name = f"empty_{worker_id}_{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]}"
    yield server.empty(name)
    server.drop(name)


def superuser(server: ServerOfTests, settings: Settings) -> psycopg.Connection:
    name = database_url(settings).database or ""
    return psycopg.connect(server.conninfo(database=name), autocommit=True)


class TestUpgrade:
    def test_forward_back_and_forward_again(self, server: ServerOfTests, empty: Settings) -> None:
        applied = migrate.upgrade(empty)
        assert applied[-1] == migrate.current(empty) == migrate.head()
        assert migrate.upgrade(empty) == []
        assert migrate.downgrade(empty, "base") == applied[::-1]
        with superuser(server, empty) as connection:
            assert [row[0] for row in connection.execute(LEFT.encode())] == ["alembic_version"]
        assert migrate.upgrade(empty) == applied

    def test_models_and_database_agree(self, own_settings: Settings) -> None:
        migrate.check(own_settings)

    def test_a_difference_is_named(self, server: ServerOfTests, own_settings: Settings) -> None:
        with superuser(server, own_settings) as connection:
            connection.execute("ALTER TABLE job DROP COLUMN message")
            connection.execute("CREATE TABLE of_my_own (id integer)")
        with pytest.raises(DriftError, match="remove table of_my_own; add column job message"):
            migrate.check(own_settings)

    def test_an_unknown_revision_is_refused(self, own_settings: Settings) -> None:
        with pytest.raises(NotFoundError, match="'nonsense'"):
            migrate.upgrade(own_settings, "nonsense")

    def test_two_processes_at_once_take_turns(self, empty: Settings) -> None:
        addresses = [str(empty.database_url), str(empty.database_owner_url), str(empty.data_dir)]
        command = [sys.executable, "-c", UPGRADE, *addresses]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        applied = sorted(int(process.communicate(timeout=120)[0]) for process in processes)
        assert applied[0] == 0 < applied[1]

    def test_a_table_in_use_is_not_waited_for_long(self, server: ServerOfTests, own_settings: Settings) -> None:
        with superuser(server, own_settings) as connection, connection.transaction():
            connection.execute("LOCK TABLE encryption_key IN ACCESS SHARE MODE")
            with pytest.raises(OperationalError, match="lock timeout"):
                migrate.downgrade(own_settings, "base")
        assert migrate.current(own_settings) == migrate.head()

    def test_another_migration_is_waited_for(self, server: ServerOfTests, own_settings: Settings) -> None:
        holder = superuser(server, own_settings)
        holder.execute("SELECT pg_advisory_lock(%s)", [migrate.MIGRATION_LOCK])
        release = threading.Timer(1.0, holder.close)
        release.start()
        assert migrate.upgrade(own_settings) == []
        assert holder.closed
        release.join()


class TestDowngrade:
    def test_data_is_not_lost_unasked(self, server: ServerOfTests, own_settings: Settings) -> None:
        with superuser(server, own_settings) as connection:
            connection.execute(JOB.encode())
            with pytest.raises(DataLossError, match=r"job\.title"):
                migrate.downgrade(own_settings, "say_who_acts")
            assert migrate.current(own_settings) == migrate.head()
            assert connection.execute("SELECT count(*) FROM job").fetchone() == (1,)
        assert migrate.downgrade(own_settings, "say_who_acts", lose_data=True)[-1] == "run_jobs_beside_the_data"

    def test_empty_tables_go_without_a_flag(self, own_settings: Settings) -> None:
        assert migrate.downgrade(own_settings, "-1") == [migrate.head()]


class TestPrepare:
    def test_what_an_administrator_has_to_do_is_said(self, server: ServerOfTests, empty: Settings) -> None:
        name = database_url(empty).database or ""
        with server.superuser() as connection:
            connection.execute("DROP ROLE IF EXISTS guest")
            connection.execute("CREATE ROLE guest LOGIN")
        address = server.address("guest", name)
        settings = server.settings(name, database_url=address, database_owner_url=address)
        with pytest.raises(DatabaseNotPreparedError) as raised:
            migrate.upgrade(settings)
        grant = 'GRANT academe_app TO "guest"'
        assert raised.value.statements == ("CREATE EXTENSION btree_gist", "CREATE EXTENSION pg_trgm", grant)
        assert "    CREATE EXTENSION btree_gist;\n" in raised.value.message
        with superuser(server, empty) as connection:
            for statement in raised.value.statements:
                connection.execute(statement.encode())
            connection.execute(f"ALTER DATABASE {name} OWNER TO guest".encode())
        assert migrate.upgrade(settings)[-1] == migrate.head()

    def test_the_owner_installs_what_it_may(self, empty: Settings) -> None:
        migrate.upgrade(empty, "say_who_acts")
        engine = create_engine(database_url(empty, role=OWNER_ROLE))
        with engine.connect() as connection:
            installed = set(connection.execute(text("SELECT extname FROM pg_extension")).scalars())
        engine.dispose()
        assert {"btree_gist", "pg_trgm"} <= installed
