"""The embedded server, killed and misused for real: every test starts PostgreSQL in folders of its own."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from academe.platform.database.embedded import (
    DiskFullError,
    EmbeddedServer,
    EmbeddedServerError,
    FolderPermissionError,
    ForeignFolderError,
    OtherVersionError,
    StartupError,
    provision,
)
from academe.platform.database.embedded import server as server_module
from academe.platform.database.embedded.account import account_of, wheel_version
from academe.platform.database.embedded.folder import socket_directory
from academe.platform.database.embedded.process import PostmasterFile, children_of_server, send
from academe.platform.database.embedded.settings import GIB, MIB, Machine, server_settings

IS_ROOT = os.geteuid() == 0
NOBODY = 65534
MEMORY, DISK = Path("/dev/shm"), Path("/tmp")  # noqa: S108 - the folders made there are private

ENSURE = """
import sys
from pathlib import Path
from academe.platform.database.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.ensure_running()
print((server.folder / "postmaster.pid").read_text().splitlines()[0], flush=True)
"""


def roomy_place() -> Path:
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 * GIB
    return MEMORY if is_roomy else DISK


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that the server's account may enter when root runs the tests; pytest's own are closed to it.

    In memory where there is plenty: a first start waits for a thousand files to reach a busy disk.
    """
    base = Path(tempfile.mkdtemp(prefix="academe-embedded-", dir=roomy_place()))
    base.chmod(0o755 if IS_ROOT else 0o700)
    try:
        yield base
    finally:
        for folder in {path.parent for path in base.rglob("postmaster.pid")}:
            EmbeddedServer(folder).stop()
        shutil.rmtree(base)


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


def postmaster(folder: Path) -> int:
    said = PostmasterFile.read(folder)
    assert said is not None
    return said.pid


def starter(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until_dead(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(timeout=10)


def scalar(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


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


class TestRefusals:
    def test_another_major_version(self, base: Path) -> None:
        folder = base / "postgres"
        account_of(os.geteuid() or NOBODY).make_private_folder(folder)
        (folder / "PG_VERSION").write_text("17\n")
        with pytest.raises(OtherVersionError, match=r"belongs to PostgreSQL 17.*brings PostgreSQL 18") as caught:
            EmbeddedServer(folder).ensure_running()
        assert str(folder) in str(caught.value)
        assert [path.name for path in folder.iterdir()] == ["PG_VERSION"]

    def test_a_folder_of_something_else(self, base: Path) -> None:
        folder = base / "postgres"
        folder.mkdir()
        (folder / "thesis.odt").write_text("years of work")
        with pytest.raises(ForeignFolderError, match="not empty and not a PostgreSQL data folder") as caught:
            EmbeddedServer(folder).ensure_running()
        assert str(folder) in str(caught.value)
        assert (folder / "thesis.odt").read_text() == "years of work"

    def test_a_file_in_the_place_of_the_folder(self, base: Path) -> None:
        (base / "postgres").write_text("a file")
        with pytest.raises(ForeignFolderError, match="is a file"):
            EmbeddedServer(base / "postgres").ensure_running()

    def test_too_little_space(self, base: Path) -> None:
        with pytest.raises(DiskFullError, match=r"\d+ MiB are free and 1099511627776 MiB are needed") as caught:
            EmbeddedServer(base / "postgres", required_space=2**60).ensure_running()
        assert str(base / "postgres") in str(caught.value)

    def test_a_disk_that_fills_up(self, base: Path) -> None:
        disk = base / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=48m,mode=755", "tmpfs", str(disk)]
        if not IS_ROOT or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("a small disk can only be mounted by a privileged root")
        try:
            with pytest.raises(DiskFullError, match="is full"):
                EmbeddedServer(disk / "postgres", required_space=0).ensure_running()
            assert not (disk / "postgres").exists()
            assert not list(disk.glob(".postgres.new-*"))
        finally:
            subprocess.run(["umount", str(disk)], check=True)

    def test_a_folder_that_may_not_be_entered(self, base: Path) -> None:
        closed = base / "closed"
        closed.mkdir(mode=0o700 if IS_ROOT else 0o500)
        with pytest.raises(FolderPermissionError, match=r"[Ss]et ACADEME_DATA_DIR") as caught:
            EmbeddedServer(closed / "data" / "postgres").ensure_running()
        assert str(closed) in str(caught.value)

    def test_a_start_that_fails_shows_the_log(self, server: EmbeddedServer) -> None:
        server.stop()
        local = server.folder / "local.conf"
        before = local.read_text()
        local.write_text("shared_buffers = 'plenty'\n")
        try:
            with pytest.raises(StartupError, match="invalid value for parameter"):
                server.ensure_running()
        finally:
            local.write_text(before)
        server.ensure_running()


class TestPlaces:
    def test_a_path_too_long_for_a_socket(self, base: Path) -> None:
        server = EmbeddedServer(base / ("long" * 25) / "postgres")
        directory = socket_directory(server.folder)
        assert directory.parent == DISK
        directory.mkdir(mode=0o755)
        with pytest.raises(FolderPermissionError, match="should be a private folder"):
            server.ensure_running()
        directory.rmdir()
        server.ensure_running()
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert scalar(server.conninfo(role="academe_app"), "SELECT 1") == 1
        server.stop()
        assert not directory.exists()

    def test_spaces_quotes_and_letters_in_the_path_of_an_empty_folder(self, base: Path) -> None:
        server = EmbeddedServer(base / "it's a Größe \\ 100 %" / "postgres")
        server.folder.mkdir(parents=True)
        server.ensure_running()
        assert scalar(server.conninfo(role="academe_app"), "SELECT 1") == 1
        assert server.stop()

    def test_as_an_ordinary_user(self, base: Path) -> None:
        """Root becomes `nobody` after importing, as the checkout may lie in a home that is closed to others."""
        script = """
import os, sys
from pathlib import Path
import psycopg
from academe.platform.database.embedded import EmbeddedServer, account
home, programs = Path(sys.argv[1]), Path(sys.argv[2])
if os.geteuid() == 0:
    copied = account.install_programs(programs, account.account_of(65534)).parent
    account.wheel_programs = lambda: copied
    account.wheel_version()
    os.chown(home, 65534, 65534)
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
server = EmbeddedServer(home / "data" / "postgres")
server.ensure_running()
with psycopg.connect(server.conninfo(role="academe_app")) as connection:
    print(connection.execute("SELECT current_user").fetchone()[0], server.folder.owner() != "root")
print(server.stop())
"""
        home = base / "home"
        home.mkdir(mode=0o700)
        output, errors = starter(script, home, base / "programs").communicate(timeout=60)
        assert (output, errors) == ("academe_app True\nTrue\n", "")

    def test_programs_of_an_older_release_are_replaced(self, server: EmbeddedServer) -> None:
        server.stop()
        programs = server.folder.parent / ".postgres.programs"
        (programs / wheel_version()).rename(programs / "18.0.0")
        server.ensure_running()
        assert [path.name for path in programs.iterdir()] == [wheel_version()]


class TestSize:
    @pytest.mark.parametrize(
        ("memory", "buffers", "work"),
        [(1 * GIB, 128 * MIB, 4 * MIB), (8 * GIB, GIB, 16 * MIB), (24 * GIB, 2 * GIB, 48 * MIB)],
    )
    def test_memory(self, memory: int, buffers: int, work: int) -> None:
        machine = Machine(memory=memory, processors=2, free_disk=100 * GIB)
        settings = server_settings(machine, Path("/data"), Path("/data"))
        assert settings["shared_buffers"] == f"{buffers // 1024}kB"
        assert settings["work_mem"] == f"{work // 1024}kB"
        assert settings["max_wal_size"] == "4096MB"

    def test_a_small_disk_gets_a_small_log(self) -> None:
        machine = Machine(memory=GIB, processors=1, free_disk=2 * GIB)
        assert server_settings(machine, Path("/data"), Path("/data"))["max_wal_size"] == "256MB"
