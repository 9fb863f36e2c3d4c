"""Exports of statements: in the order in which they were stored, page by page, in bounded memory."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from pydantic_core import from_json

from academe.lrs.bulk.compression import Compression, packed, parts_of
from academe.lrs.bulk.errors import NotAnExportError
from academe.lrs.statements import queries
from academe.lrs.statements.queries import Filter, Page
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database
from academe.platform.ids import new_id

_STORE: Final = system_actor("lrs")
_PAGE: Final = 500
_READ: Final = 2**20


@dataclass(slots=True)
class Written:
    """What an export has written: `through` is the time up to which the file is complete.

    `position` is the time of storing of the last statement, `with_attachments` counts those whose attachments are not
    in the file; both count the part before a resumption out.
    """

    statements: int = 0
    with_attachments: int = 0
    position: datetime | None = None
    through: datetime | None = None


async def export_statements(
    database: Database,
    *,
    actor: Actor,
    wanted: Filter,
    out: BinaryIO,
    compression: Compression,
    position: datetime | None,
    say: Callable[[Written], None],
) -> Written:
    """Write what a filter finds behind a position, one statement to a line; what is stored meanwhile is left out.

    Each page is a complete part of the file. Raises what the stream and the database raise; what is written then is
    the beginning of the export.
    """
    async with database.transaction(_STORE) as session:
        through = await queries.consistent_through(session)
    await _leave_entry(database, actor, wanted)
    until = through if wanted.until is None else min(wanted.until, through)
    wanted = replace(wanted, ascending=True, until=until)
    written = Written(position=position, through=until)
    more = True
    while more:
        page = await _page(database, wanted, written.position)
        if page.statements:
            texts = [found.text for found in page.statements]
            out.write(packed("".join(f"{text}\n" for text in texts).encode(), compression))
            written.statements += len(texts)
            written.with_attachments += sum('"attachments"' in text for text in texts)
            written.position = page.statements[-1].stored
        more = page.more
        say(written)
    out.flush()
    return written


async def _page(database: Database, wanted: Filter, position: datetime | None) -> Page:
    # From the primary, like the time that the export goes up to: a replica may not have got so far.
    async with database.transaction(_STORE) as session:
        return await queries.find(session, wanted, position, _PAGE)


async def _leave_entry(database: Database, actor: Actor, wanted: Filter) -> None:
    """Say that statements leave the store, before the first one does."""
    given = {"agent": wanted.agent, "verb": wanted.verb, "activity": wanted.activity}
    filters = [name for name, value in given.items() if value is not None]
    changes = {"filters": filters, "since": wanted.since, "until": wanted.until, "with_voided": wanted.with_voided}
    async with database.transaction(actor) as session:
        subject = Subject("xapi_export", new_id())
        said = "Statements exported to a file"
        record(session, actor=actor, action="xapi_statements.exported", subject=subject, summary=said, changes=changes)


def cut_to_whole_lines(path: Path, compression: Compression) -> datetime | None:
    """Cut what a killed export has left unfinished off its file; returns when its last statement was stored.

    None for a file without statements. Raises NotAnExportError, and leaves the file as it is, when its last whole line
    is no statement with the time of storing, or when a compressed file holds nothing whole.
    """
    with path.open("r+b") as file:
        if compression is Compression.NONE:
            last, end = _last_line(file)
        else:
            last, end = b"", 0
            for content, end in parts_of(file, compression):  # noqa: B007 - the last ones are wanted
                last = content
            if not end and file.seek(0, os.SEEK_END):
                raise NotAnExportError("Nothing in this file can be read; remove it, and export anew.")
        position = _stored_in(last) if last else None
        file.truncate(end)
        return position


def _last_line(file: BinaryIO) -> tuple[bytes, int]:
    """The last line that has an end, and where that is."""
    place = file.seek(0, os.SEEK_END)
    tail = b""
    while place:
        start = max(0, place - _READ)
        file.seek(start)
        tail = file.read(place - start) + tail
        place = start
        end = tail.rfind(b"\n") + 1
        if end and (begin := tail.rfind(b"\n", 0, end - 1) + 1):
            return tail[begin:end], start + end
    end = tail.rfind(b"\n") + 1
    return tail[:end], end


def _stored_in(content: bytes) -> datetime:
    """When the last statement of some lines was stored."""
    try:
        return datetime.fromisoformat(from_json(content.splitlines()[-1])["stored"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise NotAnExportError(
            "The last line of this file is no statement with the time at which it was stored."
        ) from (error)
