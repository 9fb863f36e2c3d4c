"""Where the embedded server may live: folders that it refuses, odd paths, ordinary users, small machines."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from academe.platform.database.embedded import (
    DiskFullError,
    EmbeddedServer,
    FolderPermissionError,
    ForeignFolderError,
    OtherVersionError,
    StartupError,
)
from academe.platform.database.embedded.account import account_of, wheel_version
from academe.platform.database.embedded.folder import socket_directory
from academe.platform.database.embedded.settings import GIB, MIB, Machine, server_settings
from tests.support.embedded import (
    DISK,
    IS_ROOT,
    NOBODY,
    scalar,
    scratch_folder,
    starter,
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
