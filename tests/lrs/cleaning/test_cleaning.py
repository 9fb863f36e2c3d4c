"""What is left of attachments goes, and nothing that somebody names or is just bringing."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import func, select, text

from academe.lrs.cleaning.service import Leftovers, Removed, SpoolWaitsError, clean, leftovers
from academe.lrs.spool.folder import SpoolFolder
from academe.lrs.statements.attachments import read_attachment, store_contents, write_rows
from academe.lrs.statements.intake import ACTOR, Intake
from academe.lrs.statements.models import XapiAttachment, XapiAttachmentSource
from academe.lrs.statements.store import take_turn
from academe.lrs.xapi.multipart import Attachment
from academe.platform.actor import ANONYMOUS
from academe.platform.database.session import Database
from academe.platform.files.choice import file_store
from academe.platform.settings import Settings
from tests.lrs.statements.brought import a_statement, batch_of

pytestmark = pytest.mark.anyio

AT_ONCE: Final = timedelta(0)
ESSAY: Final = b"an essay"
SHA2: Final = hashlib.sha256(ESSAY).hexdigest()
SOURCE: Final = Path(__file__).parents[3] / "src" / "academe"


@pytest.fixture
async def database(own_settings: Settings, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of this test alone, with files and a spool of its own."""
    opened = Database(own_settings.model_copy(update={"files_dir": tmp_path / "files", "data_dir": tmp_path}))
    yield opened
    await opened.close()


@pytest.fixture
async def intake(database: Database) -> AsyncIterator[Intake]:
    opened = Intake(database, limit_bytes=1_000_000)
    yield opened
    await opened.close()


def essay(**more: str) -> dict[str, Any]:
    return {
        "usageType": "https://example.com/essay",
        "display": {"en": "An essay"},
        "contentType": "text/plain",
        "length": len(ESSAY),
        "sha2": SHA2,
        **more,
    }


async def stored_essay(database: Database) -> Any:
    return await store_contents(file_store(database.settings), [Attachment(SHA2, "text/plain", ESSAY)])


async def left_over(database: Database) -> None:
    """An attachment that no statement names."""
    stored = await stored_essay(database)
    async with database.transaction(ACTOR) as session:
        await write_rows(session, [(each, None) for each in stored])


async def count(database: Database, model: Any) -> int:
    async with database.reading(ACTOR) as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def read(database: Database) -> bytes | None:
    found = await read_attachment(database, SHA2, institution_id=None)
    return None if found is None else found[0]


class TestWhatGoes:
    async def test_what_no_statement_names(self, database: Database) -> None:
        await left_over(database)
        assert await leftovers(database, grace=AT_ONCE) == Leftovers(1, len(ESSAY), 0, 0)
        assert await read(database) == ESSAY
        assert await clean(database, grace=AT_ONCE) == Removed(1, 1, len(ESSAY))
        assert await count(database, XapiAttachment) == await count(database, XapiAttachmentSource) == 0
        assert not await file_store(database.settings).exists(SHA2)
        assert await clean(database, grace=AT_ONCE) == Removed(0, 0, 0)

    async def test_a_file_whose_rows_were_never_written(self, database: Database) -> None:
        await stored_essay(database)
        assert await leftovers(database, grace=AT_ONCE) == Leftovers(0, 0, 1, len(ESSAY))
        assert await clean(database, grace=AT_ONCE) == Removed(0, 1, len(ESSAY))

    async def test_an_entry_says_so(self, database: Database) -> None:
        await left_over(database)
        await clean(database, grace=AT_ONCE)
        async with database.reading(ACTOR) as session:
            entries = "SELECT summary FROM audit_entry WHERE action = 'xapi_attachment.removed' ORDER BY seq"
            assert list((await session.scalars(text(entries))).all()) == [
                "1 attachments that no statement names were removed",
                "1 files of no attachment were removed",
            ]


class TestWhatStays:
    async def test_what_is_younger_than_the_grace(self, database: Database) -> None:
        await left_over(database)
        assert await leftovers(database) == Leftovers(0, 0, 0, 0)
        assert await clean(database) == Removed(0, 0, 0)
        assert await read(database) == ESSAY

    @pytest.mark.parametrize("at", ["statement", "sub-statement", "set aside"])
    async def test_what_somebody_names(self, database: Database, intake: Intake, at: str) -> None:
        await left_over(database)
        sub = {"objectType": "SubStatement", **{key: a_statement()[key] for key in ("actor", "verb", "object")}}
        named = a_statement(attachments=[essay()])
        if at == "sub-statement":
            named = a_statement(object={**sub, "attachments": [essay(sha2=SHA2.upper())]})
        if at == "set aside":
            async with database.transaction(ACTOR) as session:
                await session.execute(
                    text(
                        "INSERT INTO xapi_set_aside (id, sender_id, statement_id, received_at, agent_keys, statement)"
                        " VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now(), '{}',"
                        " jsonb_build_object('attachments', jsonb_build_array(jsonb_build_object('sha2',"
                        " CAST(:sha2 AS text)))))"
                    ),
                    {"sha2": SHA2},
                )
        else:
            await intake.store(batch_of(named))
        assert await clean(database, grace=AT_ONCE) == Removed(0, 0, 0)
        assert await read(database) == ESSAY

    async def test_everything_while_statements_wait(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        await left_over(database)
        status = SpoolFolder.of(database.settings).status(0)
        monkeypatch.setattr(SpoolFolder, "status", lambda _, __: replace(status, segments=1))
        with pytest.raises(SpoolWaitsError):
            await clean(database, grace=AT_ONCE)
        assert await read(database) == ESSAY


class TestConcurrentUpload:
    async def test_whose_bytes_were_just_put(self, database: Database, intake: Intake) -> None:
        """The row goes, the file stays, and the row is written again."""
        await left_over(database)
        grace = timedelta(seconds=1)
        await asyncio.sleep(1.5)
        contents = await stored_essay(database)
        assert await clean(database, grace=grace) == Removed(1, 0, 0)
        await intake.store(replace(batch_of(a_statement(attachments=[essay()])), contents=contents))
        assert await read(database) == ESSAY

    async def test_that_commits_behind_the_look(self, database: Database) -> None:
        """Whoever cleans has seen no statement, waits for the writers, and looks again."""
        await left_over(database)
        contents = await stored_essay(database)
        async with database.transaction(ACTOR) as session:
            await take_turn(await session.connection())
            cleaning = asyncio.create_task(clean(database, grace=AT_ONCE))
            await asyncio.sleep(0.5)
            assert not cleaning.done()
            await write_rows(session, [(each, None) for each in contents])
            await session.execute(
                text(
                    "INSERT INTO xapi_statement (stored, id, sender_id, authority_id, verb_key, happened_at, version,"
                    " kind, statement) SELECT clock_timestamp(), u, u, u, u, now(), '2.0.0', 'a', jsonb_build_object("
                    " 'attachments', jsonb_build_array(jsonb_build_object('sha2', CAST(:sha2 AS text))))"
                    " FROM gen_random_uuid() u"
                ),
                {"sha2": SHA2},
            )
        assert await cleaning == Removed(0, 0, 0)
        assert await read(database) == ESSAY

    async def test_many(self, database: Database, intake: Intake) -> None:
        """Whatever is acknowledged can be read, while cleaning goes on without any grace."""
        uploads, cleanings = 40, 0
        over = asyncio.Event()

        async def keep_cleaning() -> None:
            nonlocal cleanings
            while not over.is_set():
                await clean(database, grace=timedelta(milliseconds=200))
                cleanings += 1

        cleaner = asyncio.create_task(keep_cleaning())
        store = file_store(database.settings)
        for number in range(uploads):
            data = b"content %d" % (number % 7)
            sha2 = hashlib.sha256(data).hexdigest()
            contents = await store_contents(store, [Attachment(sha2, None, data)])
            if number % 3:  # others never come so far
                named = a_statement(attachments=[essay(sha2=sha2)])
                await intake.store(replace(batch_of(named), contents=contents))
                found = await read_attachment(database, sha2, institution_id=None)
                assert found is not None
                assert found[0] == data
        over.set()
        await cleaner
        assert cleanings > 1


class TestWho:
    async def test_nobody_but_the_system_forgets(self, database: Database) -> None:
        async def forget() -> None:
            async with database.transaction(ANONYMOUS) as session:
                await session.execute(text("SELECT forget_xapi_attachments('{}', now())"))

        with pytest.raises(Exception, match="only Academe itself forgets attachments"):
            await forget()


def test_no_other_module_keeps_files_among_the_attachments() -> None:
    """What no attachment needs is deleted there: other modules keep files in an area of their own, or only delete."""
    among = re.compile(r"file_store\([^,()]*\)(?!\.delete\()")
    using = {
        path.relative_to(SOURCE).parts[0]
        for path in SOURCE.rglob("*.py")
        if path.parent.name != "files" and among.search(path.read_text())
    }
    assert using == {"lrs"}
