"""Files in a folder: whole or not at all, once, and for good."""

import asyncio
import errno
import fcntl
import hashlib
import os
import stat
import threading
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from academe.platform.files.choice import file_store
from academe.platform.files.errors import (
    FileDamagedError,
    FileNotStoredError,
    FileStorageFullError,
    FilesUnavailableError,
)
from academe.platform.files.folder import FolderStore
from academe.platform.files.store import FileStore, StaleFile
from academe.platform.settings import Settings

pytestmark = pytest.mark.anyio

CONTENT = b"an essay"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NOTHING = hashlib.sha256(b"").hexdigest()


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "files"


@pytest.fixture
def store(folder: Path) -> FileStore:
    return FolderStore(folder)


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def place_of(folder: Path, digest: str = DIGEST) -> Path:
    return folder / digest[:2] / digest[2:4] / digest


class TestPut:
    async def test_names_a_file_by_its_content(self, store: FileStore, folder: Path) -> None:
        assert await store.put(CONTENT) == DIGEST
        assert place_of(folder).read_bytes() == CONTENT
        assert files_in(folder) == [f"{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}"]

    async def test_takes_a_stream(self, store: FileStore) -> None:
        assert await store.put(in_pieces(b"an ", b"", b"essay")) == DIGEST
        assert await store.get(DIGEST) == CONTENT

    @pytest.mark.parametrize("content", [b"", None], ids=["bytes", "stream"])
    async def test_takes_nothing_as_a_file(self, store: FileStore, content: bytes | None) -> None:
        assert await store.put(in_pieces() if content is None else content) == NOTHING
        assert await store.get(NOTHING) == b""

    async def test_keeps_the_same_content_once(self, store: FileStore, folder: Path) -> None:
        await store.put(CONTENT)
        written = place_of(folder).stat().st_ino
        assert await store.put(CONTENT) == DIGEST
        assert place_of(folder).stat().st_ino == written
        assert await store.put(in_pieces(CONTENT)) == DIGEST
        assert len(files_in(folder)) == 1

    async def test_many_at_once_agree(self, folder: Path) -> None:
        stores = [FolderStore(folder) for _ in range(4)]
        digests = await asyncio.gather(*(store.put(CONTENT) for store in stores * 4))
        assert set(digests) == {DIGEST}
        assert files_in(folder) == [f"{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}"]

    async def test_a_draft_may_end_while_forgotten_ones_are_looked_for(self, store: FileStore, folder: Path) -> None:
        (folder / "drafts").mkdir(parents=True)
        (folder / "drafts" / "ended").symlink_to("nowhere")  # it is listed, and not there when it is asked for its age
        assert await store.put(CONTENT) == DIGEST

    async def test_lets_only_its_owner_read(self, store: FileStore, folder: Path) -> None:
        await store.put(CONTENT)
        path = place_of(folder)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert {stat.S_IMODE(each.stat().st_mode) for each in (path.parent, path.parent.parent, folder)} == {0o700}

    async def test_replaces_a_file_that_somebody_cut_short(self, store: FileStore, folder: Path) -> None:
        await store.put(CONTENT)
        os.truncate(place_of(folder), 3)
        await store.put(CONTENT)
        assert await store.get(DIGEST) == CONTENT

    async def test_brings_file_and_names_to_the_disk_in_this_order(
        self, store: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        events: list[str] = []
        sync, rename = os.fsync, Path.rename

        def noted_sync(descriptor: int) -> None:
            events.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
            sync(descriptor)

        def noted_rename(path: Path, target: Path) -> Path:
            events.append("rename")
            return rename(path, target)

        await store.put(b"something else")
        monkeypatch.setattr(os, "fsync", noted_sync)
        monkeypatch.setattr(Path, "rename", noted_rename)
        await store.put(CONTENT)
        draft, *rest = events
        assert draft.startswith(f"{os.getpid()}-")
        assert rest == ["files", DIGEST[:2], "rename", DIGEST[2:4]]

        events.clear()
        await store.put(CONTENT)
        assert events == [DIGEST[2:4]]

    async def test_removes_drafts_of_killed_processes_only(self, store: FileStore, folder: Path) -> None:
        drafts = folder / "drafts"
        drafts.mkdir(parents=True)
        (drafts / "old").write_bytes(b"half")
        (drafts / "young").write_bytes(b"half")
        long_ago = time.time() - 25 * 60 * 60
        os.utime(drafts / "old", (long_ago, long_ago))
        await store.put(CONTENT)
        assert [path.name for path in drafts.iterdir()] == ["young"]


class TestFailures:
    async def test_a_full_disk_is_said_and_leaves_nothing(
        self, store: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            for content in (CONTENT, in_pieces(CONTENT)):
                with pytest.raises(FileStorageFullError) as refused:
                    await store.put(content)
                assert refused.value.status == 507
                assert str(folder) not in refused.value.message
        assert files_in(folder) == []
        assert await store.put(CONTENT) == DIGEST

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
    async def test_a_disk_that_is_full_while_writing(
        self, store: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = os.open

        def full(path: Path, flags: int, mode: int = 0o777) -> int:
            return opened("/dev/full" if flags & os.O_CREAT else path, flags & ~(os.O_EXCL | os.O_CREAT), mode)

        monkeypatch.setattr(os, "open", full)
        for content in (CONTENT, bytes(100_000), in_pieces(bytes(100_000), CONTENT)):
            with pytest.raises(FileStorageFullError):
                await store.put(content)
        assert files_in(folder) == []

    async def test_a_stream_that_breaks_off_leaves_nothing(self, store: FileStore, folder: Path) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield CONTENT
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await store.put(broken())
        assert files_in(folder) == []

    async def test_a_cancelled_put_leaves_nothing(self, store: FileStore, folder: Path) -> None:
        begun = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield CONTENT
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(store.put(endless()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert files_in(folder) == []

    async def test_a_folder_that_cannot_be_had(self, tmp_path: Path) -> None:
        (tmp_path / "taken").write_bytes(b"")
        store = FolderStore(tmp_path / "taken" / "files")
        with pytest.raises(FilesUnavailableError) as refused:
            await store.put(CONTENT)
        assert refused.value.status == 503

    async def test_folders_that_were_taken_away_are_made_again(self, store: FileStore, folder: Path) -> None:
        await store.put(CONTENT)
        place_of(folder).unlink()
        place_of(folder).parent.rmdir()
        with pytest.raises(FilesUnavailableError):
            await store.put(CONTENT)
        assert await store.put(CONTENT) == DIGEST


class TestGetAndOpen:
    async def test_give_back_what_was_put(self, store: FileStore) -> None:
        large = os.urandom(2 * 2**20 + 17)
        digest = await store.put(large)
        assert await store.get(digest) == large
        pieces = [piece async for piece in store.open(digest)]
        assert [len(piece) for piece in pieces] == [2**20, 2**20, 17]
        assert b"".join(pieces) == large

    async def test_say_what_is_not_there(self, store: FileStore) -> None:
        with pytest.raises(FileNotStoredError):
            await store.get(DIGEST)
        with pytest.raises(FileNotStoredError):
            await anext(store.open(DIGEST))

    async def test_say_what_is_damaged(self, store: FileStore, folder: Path) -> None:
        await store.put(CONTENT)
        place_of(folder).write_bytes(b"AN ESSAY")
        with pytest.raises(FileDamagedError, match=DIGEST):
            await store.get(DIGEST)
        pieces = store.open(DIGEST)
        assert await anext(pieces) == b"AN ESSAY"
        with pytest.raises(FileDamagedError):
            await anext(pieces)

    @pytest.mark.parametrize("digest", ["", "../../etc/passwd", DIGEST.upper(), DIGEST[:-1], f"{DIGEST}\n"])
    async def test_refuse_what_is_no_digest(self, store: FileStore, digest: str) -> None:
        for asked in (store.get(digest), anext(store.open(digest)), store.exists(digest), store.delete(digest)):
            with pytest.raises(ValueError, match="64 hexadecimal digits"):
                await asked


class TestExistsAndDelete:
    async def test_a_file_exists_until_it_is_deleted(self, store: FileStore) -> None:
        assert not await store.exists(DIGEST)
        await store.put(CONTENT)
        assert await store.exists(DIGEST)
        assert await store.delete(DIGEST)
        assert not await store.exists(DIGEST)
        assert not await store.delete(DIGEST)


class TestChoice:
    async def test_files_lie_in_the_data_folder_unless_a_folder_is_named(self, tmp_path: Path) -> None:
        own = Settings(_env_file=None, data_dir=tmp_path / "own")
        named = Settings(_env_file=None, data_dir=tmp_path / "own", files_dir=tmp_path / "elsewhere")
        await file_store(own).put(CONTENT)
        assert place_of(tmp_path / "own" / "files").exists()
        assert not await file_store(named).exists(DIGEST)
        await file_store(named).put(CONTENT)
        assert place_of(tmp_path / "elsewhere").exists()
        assert file_store(own) is file_store(own)


class TestStale:
    """What was put long ago goes; a put, of known bytes too, is a new time."""

    async def stale_in(self, store: FileStore, before: datetime) -> list[StaleFile]:
        return [each async for some in store.stale(before) for each in some]

    async def test_an_old_file(self, store: FileStore, folder: Path) -> None:
        await store.put(CONTENT)
        await store.put(b"new")
        os.utime(place_of(folder), (0, 0))
        before = datetime.now(UTC) - timedelta(minutes=1)
        assert await self.stale_in(store, before) == [StaleFile(DIGEST, len(CONTENT))]
        assert not await store.delete_stale(hashlib.sha256(b"new").hexdigest(), before)
        assert await store.delete_stale(DIGEST, before)
        assert not await store.delete_stale(DIGEST, before)
        assert not await store.exists(DIGEST)
        assert await store.exists(hashlib.sha256(b"new").hexdigest())

    async def test_nothing(self, store: FileStore) -> None:
        assert await self.stale_in(store, datetime.now(UTC)) == []
        assert not await store.delete_stale(DIGEST, datetime.now(UTC))

    async def test_a_put_keeps_it(self, store: FileStore, folder: Path) -> None:
        await store.put(CONTENT)
        for again in (CONTENT, in_pieces(CONTENT)):
            os.utime(place_of(folder), (0, 0))
            await store.put(again)
            assert not await store.delete_stale(DIGEST, datetime.now(UTC) - timedelta(minutes=1))

    async def test_a_put_at_the_same_moment_keeps_it(
        self, store: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between its look at the file and the new time, whoever deletes waits."""
        await store.put(CONTENT)
        os.utime(place_of(folder), (0, 0))
        seen, go_on, utime = threading.Event(), threading.Event(), os.utime

        def slow(path: Path) -> None:
            seen.set()
            go_on.wait(10)
            utime(path)

        monkeypatch.setattr("academe.platform.files.folder.os.utime", slow)
        putting = asyncio.create_task(store.put(CONTENT))
        await asyncio.to_thread(seen.wait, 10)
        deleting = asyncio.create_task(store.delete_stale(DIGEST, datetime.now(UTC) - timedelta(minutes=1)))
        await asyncio.sleep(0.2)
        assert not deleting.done()
        go_on.set()
        assert not await deleting
        assert await putting == DIGEST
        assert await store.get(DIGEST) == CONTENT

    async def test_a_put_behind_a_deletion_stores_it_anew(self, store: FileStore, folder: Path) -> None:
        await store.put(CONTENT)
        os.utime(place_of(folder), (0, 0))
        descriptor = os.open(place_of(folder).parent, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        putting = asyncio.create_task(store.put(CONTENT))
        await asyncio.sleep(0.2)
        assert not putting.done()
        place_of(folder).unlink()
        os.close(descriptor)
        assert await putting == DIGEST
        assert await store.get(DIGEST) == CONTENT
