"""The embedded server, killed and misused for real: every test starts PostgreSQL in folders of its own."""

import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from academe.platform.database.embedded import (
    EmbeddedServer,
    EmbeddedServerError,
    provision,
)
from academe.platform.database.embedded import server as server_module
from academe.platform.database.embedded.account import account_of
from academe.platform.database.embedded.process import children_of_server, send
from tests.support.embedded import (
    ENSURE,
    postmaster,
    scalar,
    scratch_folder,
    starter,
    wait_until_dead,
)


@pytest.fixture
def base() -> Iterator[Path]:
    """An empty folder that may hold data folders; their servers are stopped at the end."""
    with scratch_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def shared_folder() -> Iterator[Path]:
    """The data folder of a server that the tests of this file share."""
    with scratch_folder() as folder:
        EmbeddedServer(folder / "postgres").ensure_running()
        yield folder / "postgres"


@pytest.fixture
def server(shared_folder: Path) -> EmbeddedServer:
    """The shared server, running."""
    running = EmbeddedServer(shared_folder)
    running.ensure_running()
    return running


class TestFirstStart:
    def test_roles_own_only_what_they_should(self, server: EmbeddedServer) -> None:
        with psycopg.connect(server.conninfo(role="academe_readonly")) as connection:
            roles = connection.execute(
                "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
                "WHERE rolname LIKE 'academe%' ORDER BY rolname"
            ).fetchall()
            owner = connection.execute(
                "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'academe'"
            ).fetchone()
        assert roles == [
            ("academe_app", False, False, False, False),
            ("academe_owner", False, False, False, True),
            ("academe_readonly", False, False, False, False),
        ]
        assert owner == ("academe_owner",)

    def test_application_may_not_create_tables(self, server: EmbeddedServer) -> None:
        with (
            psycopg.connect(server.conninfo(role="academe_app")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("CREATE TABLE mine (number integer)")

    def test_extensions_are_there(self, server: EmbeddedServer) -> None:
        query = "SELECT array_agg(extname::text ORDER BY extname) FROM pg_extension"
        found = scalar(server.conninfo(role="academe_owner"), query)
        assert found == ["btree_gist", "pg_stat_statements", "pg_trgm", "plpgsql", "vector"]

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("fsync", "on"),
            ("data_checksums", "on"),
            ("listen_addresses", ""),
            ("server_encoding", "UTF8"),
            ("TimeZone", "UTC"),
            ("jit", "off"),
        ],
    )
    def test_setting(self, server: EmbeddedServer, setting: str, value: str) -> None:
        assert scalar(server.conninfo(role="academe_app"), f"SHOW {setting}") == value

    def test_letters_of_every_language_are_letters(self, server: EmbeddedServer) -> None:
        """Search by similarity splits words at what the database takes for other characters."""
        owner = server.conninfo(role="academe_owner")
        assert scalar(owner, "SELECT similarity('Žižková', 'žižková')") == 1
        assert scalar(owner, "SELECT similarity('Žižková', 'i kov')") < 0.5  # type: ignore[operator]

    def test_the_folder_is_private(self, server: EmbeddedServer) -> None:
        assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
        assert server.folder.stat().st_uid != 0

    def test_no_other_account_is_let_in(self, server: EmbeddedServer) -> None:
        rules = (server.folder / "pg_hba.conf").read_text().splitlines()[1:]
        assert rules == ["local all all peer map=academe"]

    def test_address_for_sqlalchemy(self, server: EmbeddedServer) -> None:
        folder = str(server.folder).replace("/", "%2F")
        expected = f"postgresql+psycopg://academe_app@/academe?host={folder}&port=5432"
        assert server.url(role="academe_app") == expected

    def test_tools(self, server: EmbeddedServer) -> None:
        command = [str(server.tool("psql")), "-XAtc", "SELECT 6 * 7", server.conninfo(role="academe_app")]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "42\n"
        with pytest.raises(EmbeddedServerError, match="no program 'psqll'"):
            server.tool("psqll")


class TestProvision:
    def test_another_database_and_a_clone_by_the_owner(self, server: EmbeddedServer) -> None:
        superuser = server.conninfo(role="postgres", database="postgres")
        for _ in range(2):
            provision(superuser, database="template_for_tests")
        with psycopg.connect(server.conninfo(role="academe_owner", database="postgres"), autocommit=True) as owner:
            owner.execute("CREATE DATABASE clone TEMPLATE template_for_tests")
        clone = server.conninfo(role="academe_owner", database="clone")
        assert scalar(clone, "SELECT '[3,4]'::vector <-> '[0,0]'::vector") == 5

    def test_what_is_missing_is_made_up_for(self, server: EmbeddedServer) -> None:
        with psycopg.connect(server.conninfo(role="postgres"), autocommit=True) as superuser:
            superuser.execute("DROP EXTENSION vector")
            superuser.execute("ALTER ROLE academe_app BYPASSRLS")
        (server.folder / "academe.provisioned").unlink()
        server.ensure_running()
        application = server.conninfo(role="academe_app")
        assert scalar(application, "SELECT count(*) FROM pg_extension WHERE extname = 'vector'") == 1
        assert scalar(application, "SELECT rolbypassrls FROM pg_roles WHERE rolname = current_user") is False


class TestSharing:
    def test_a_second_process_uses_the_same_server(self, server: EmbeddedServer) -> None:
        output, errors = starter(ENSURE, server.folder).communicate(timeout=20)
        assert (output, errors) == (f"{postmaster(server.folder)}\n", "")

    def test_four_processes_at_once_start_one_server(self, base: Path) -> None:
        racers = [starter(ENSURE, base / "postgres") for _ in range(4)]
        results = [racer.communicate(timeout=60) for racer in racers]
        assert results == [(f"{postmaster(base / 'postgres')}\n", "")] * 4
        assert (base / "postgres" / "server.log").read_text().count("starting PostgreSQL") == 1

    def test_the_server_outlives_its_killed_starter(self, server: EmbeddedServer) -> None:
        assert server.stop()
        process = starter(ENSURE + "sys.stdin.read()", server.folder)
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
        process.communicate()
        assert server.is_running()
        assert postmaster(server.folder) == pid

    def test_stop_and_start(self, server: EmbeddedServer) -> None:
        assert server.stop()
        assert not server.is_running()
        assert not server.stop()
        began = time.monotonic()
        server.ensure_running()
        assert time.monotonic() - began < 5  # measured 0.2 s on an idle machine
        assert server.is_running()

    def test_stop_of_a_folder_that_is_not_there(self, base: Path) -> None:
        assert EmbeddedServer(base / "nothing").stop() is False
        assert list(base.iterdir()) == []


class TestKilled:
    def test_committed_rows_survive_the_postmaster(
        self, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The harshest case: a child that cannot notice the postmaster's death still holds its memory."""
        monkeypatch.setattr(server_module, "_ORPHAN_SECONDS", 0.3)
        owner = server.conninfo(role="academe_owner")
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT n FROM generate_series(1, 1000) AS n")
            orphan = connection.info.backend_pid
            os.kill(orphan, signal.SIGSTOP)
            dead = postmaster(server.folder)
            os.kill(dead, signal.SIGKILL)
            wait_until_dead(dead)
            assert not server.is_running()
            assert orphan in [process.pid for process in children_of_server(server.folder)]
            server.ensure_running()
            assert not psutil.pid_exists(orphan) or psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE
        assert postmaster(server.folder) != dead
        assert scalar(owner, "SELECT sum(n) FROM kept") == 500500

    def test_every_process_killed_at_once(self, server: EmbeddedServer) -> None:
        victims = [*children_of_server(server.folder), psutil.Process(postmaster(server.folder))]
        assert len(victims) > 3
        send(victims, signal.SIGKILL)
        server.ensure_running()
        assert server.is_running()

    def test_a_killed_child_is_recovered_from_by_the_server_itself(self, server: EmbeddedServer) -> None:
        before = postmaster(server.folder)
        with psycopg.connect(server.conninfo(role="academe_app")) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
        for _ in range(100):
            server.ensure_running()
            with suppress(psycopg.OperationalError):
                assert scalar(server.conninfo(role="academe_app"), "SELECT 1") == 1
                break
            time.sleep(0.05)
        else:
            pytest.fail("the server did not come back")
        assert postmaster(server.folder) == before

    def test_a_number_in_the_pid_file_that_a_stranger_has_now(self, server: EmbeddedServer) -> None:
        content = (server.folder / "postmaster.pid").read_text().splitlines()
        server.stop()
        account = account_of(server.folder.stat().st_uid)
        stranger = account.start(["/bin/sleep", "60"], output=subprocess.DEVNULL)
        try:
            for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                account.write(server.folder / name, "\n".join([str(stranger.pid), *content[1:]]))
            server.ensure_running()
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()
        assert server.is_running()

    def test_a_deleted_socket_is_made_again(self, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server_module, "_ORPHAN_SECONDS", 0.3)
        (server.folder / ".s.PGSQL.5432").unlink()
        assert not server.is_running()
        server.ensure_running()
        assert scalar(server.conninfo(role="academe_app"), "SELECT 1") == 1

    def test_a_creation_that_was_killed(self, base: Path) -> None:
        folder = base / "postgres"
        process = starter(ENSURE, folder)
        while not list(base.glob(".postgres.new-*/base")):
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
        process.communicate()
        assert not folder.exists()
        assert list(base.glob(".postgres.new-*"))
        EmbeddedServer(folder).ensure_running()
        assert EmbeddedServer(folder).is_running()
        assert not list(base.glob(".postgres.new-*"))
