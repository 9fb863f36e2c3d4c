"""The bytes of attachments, between the statements that name them and the files (XAPI-00127 to XAPI-00135)."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from academe.lrs.statements.attachments import (
    contents_kept,
    keep_attachments,
    read_attachment,
    store_contents,
    write_rows,
)
from academe.lrs.statements.models import XapiAttachment, XapiAttachmentSource
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.multipart import Attachment
from academe.platform.actor import system_actor
from academe.platform.database.session import Database, Session
from academe.platform.files.choice import file_store
from academe.platform.files.errors import FileDamagedError
from academe.platform.files.store import FileStore
from academe.platform.ids import new_id
from academe.platform.settings import Settings
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

DATA = b"here is a simple attachment"
DIGEST = hashlib.sha256(DATA).hexdigest()
BY_SHA256 = Attachment(DIGEST, "text/plain; charset=ascii", DATA)
BY_SHA512 = Attachment(hashlib.sha512(DATA).hexdigest(), None, DATA)


@pytest.fixture
def files_settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"files_dir": tmp_path / "files"})


@pytest.fixture
def store(files_settings: Settings) -> FileStore:
    return file_store(files_settings)


@pytest.fixture
def filed(database: JoinedDatabase, files_settings: Settings) -> Iterator[JoinedDatabase]:
    """The test's database with files of its own."""
    before, database.settings = database.settings, files_settings
    yield database
    database.settings = before


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def rows(session: Session) -> list[tuple[str, str, str, int]]:
    columns = (XapiAttachment.sha2, XapiAttachment.digest, XapiAttachment.content_type, XapiAttachment.length)
    found = await session.execute(select(*columns).order_by(XapiAttachment.content_type))
    return [(sha2, digest, content_type, length) for sha2, digest, content_type, length in found]


class TestKeep:
    async def test_one_file_for_all_hashes_of_the_same_bytes(
        self, session: Session, store: FileStore, tmp_path: Path
    ) -> None:
        await keep_attachments(session, store, [BY_SHA512, BY_SHA256])
        assert await rows(session) == [
            (BY_SHA512.sha2, DIGEST, "application/octet-stream", len(DATA)),
            (BY_SHA256.sha2, DIGEST, "text/plain; charset=ascii", len(DATA)),
        ]
        assert [path.name for path in files_in(tmp_path)] == [DIGEST]

    async def test_again_changes_nothing(self, session: Session, store: FileStore) -> None:
        await keep_attachments(session, store, [BY_SHA256])
        await keep_attachments(session, store, [Attachment(DIGEST, "text/html", DATA)])
        assert await rows(session) == [(DIGEST, DIGEST, "text/plain; charset=ascii", len(DATA))]

    async def test_nothing_to_keep(self, session: Session, store: FileStore, tmp_path: Path) -> None:
        await keep_attachments(session, store, [])
        assert await rows(session) == []
        assert files_in(tmp_path) == []

    @pytest.mark.parametrize("content_type", ["text/plain\x00", "text/plain\r\nX: y", "text/é", " ", "a" * 256])
    async def test_a_type_that_no_header_can_carry_is_refused_before_anything_is_stored(
        self, content_type: str, store: FileStore, tmp_path: Path
    ) -> None:
        with pytest.raises(XapiFault, match="Content-Type"):
            await store_contents(store, [BY_SHA512, Attachment(DIGEST, content_type, DATA)])
        assert files_in(tmp_path) == []

    async def test_rows_belong_to_the_transaction_of_the_statements(
        self, own_database: Database, store: FileStore
    ) -> None:
        actor = system_actor("test")
        stored = await store_contents(store, [BY_SHA256])

        async def break_off() -> None:
            async with own_database.transaction(actor) as session:
                await write_rows(session, [(each, None) for each in stored])
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await break_off()
        async with own_database.transaction(actor) as session:
            assert await rows(session) == []
        assert await store.get(DIGEST) == DATA


class TestRead:
    async def test_what_was_kept(self, session: Session, store: FileStore, filed: JoinedDatabase) -> None:
        await keep_attachments(session, store, [BY_SHA256, BY_SHA512])
        assert await read_attachment(filed, DIGEST, institution_id=None) == (DATA, "text/plain; charset=ascii")
        assert await read_attachment(filed, BY_SHA512.sha2.upper(), institution_id=None) == (
            DATA,
            "application/octet-stream",
        )

    async def test_what_never_came(self, filed: JoinedDatabase) -> None:
        assert await read_attachment(filed, DIGEST, institution_id=None) is None

    async def test_the_institution_that_brought_it(
        self, session: Session, store: FileStore, filed: JoinedDatabase
    ) -> None:
        """Others know the hash, and that is all they have."""
        north, south = new_id(), new_id()
        await keep_attachments(session, store, [BY_SHA256], north)
        assert await read_attachment(filed, DIGEST, institution_id=north) == (DATA, "text/plain; charset=ascii")
        assert await read_attachment(filed, DIGEST, institution_id=None) is not None
        assert await read_attachment(filed, DIGEST, institution_id=south) is None
        await keep_attachments(session, store, [BY_SHA256], south)
        assert await read_attachment(filed, DIGEST, institution_id=south) is not None

    async def test_what_the_installation_brought_is_its_own(
        self, session: Session, store: FileStore, filed: JoinedDatabase
    ) -> None:
        await keep_attachments(session, store, [BY_SHA256])
        assert await read_attachment(filed, DIGEST, institution_id=None) is not None
        assert await read_attachment(filed, DIGEST, institution_id=new_id()) is None

    async def test_which_of_some_are_kept(self, session: Session, store: FileStore, filed: JoinedDatabase) -> None:
        north = new_id()
        await keep_attachments(session, store, [BY_SHA256], north)
        await keep_attachments(session, store, [BY_SHA512])
        hashes = [DIGEST, BY_SHA512.sha2, "a" * 64]
        async with filed.reading(system_actor("test")) as reading:
            assert await contents_kept(reading, hashes, institution_id=north) == {DIGEST}
            assert await contents_kept(reading, hashes, institution_id=None) == {DIGEST, BY_SHA512.sha2}

    async def test_nobody_brings_what_is_not_there(self, session: Session) -> None:
        session.add(XapiAttachmentSource(sha2=DIGEST, institution_id=new_id()))
        with pytest.raises(IntegrityError, match="fk_xapi_attachment_source_sha2"):
            await session.flush()

    async def test_what_is_damaged(
        self, session: Session, store: FileStore, filed: JoinedDatabase, tmp_path: Path
    ) -> None:
        await keep_attachments(session, store, [BY_SHA256])
        (path,) = files_in(tmp_path)
        path.write_bytes(b"something else")
        with pytest.raises(FileDamagedError):
            await read_attachment(filed, DIGEST, institution_id=None)
