"""What is left of attachments: counted, and removed.

Rows go first and files later, in a transaction that begins when the rows are gone for good: never is there a row
without its file. A file that somebody has put meanwhile has a new time and stays, and whoever has put it writes its row
again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from academe.lrs.keys import key_uuid
from academe.lrs.spool.folder import SpoolFolder
from academe.lrs.statements.store import take_turn
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, Session
from academe.platform.errors import ServiceUnavailableError
from academe.platform.files.choice import file_store
from academe.platform.files.store import FileStore, StaleFile
from academe.platform.logging import get_logger

GRACE: Final = timedelta(days=7)
"""How long something is kept that nothing names: longer than a server may keep statements in its spool."""

ATTACHMENTS: Final = key_uuid("xapi_attachment")
"""What all entries of the audit about removals are about."""

_ACTOR: Final = system_actor("lrs attachments")
_AT_ONCE: Final = 200

Item = TypeVar("Item")

# What comes later than this look sees has a later time of storing: `stored` grows in the order of the commits.
_UNNAMED: Final = text(
    """
    WITH named AS (
        SELECT lower(a ->> 'sha2') AS sha2 FROM xapi_statement s, jsonb_array_elements(s.statement -> 'attachments') a
        WHERE s.statement ? 'attachments'
        UNION SELECT lower(a ->> 'sha2')
        FROM xapi_statement s, jsonb_array_elements(s.statement #> '{object,attachments}') a
        WHERE (s.statement -> 'object') ? 'attachments'
        UNION SELECT lower(a ->> 'sha2') FROM xapi_set_aside s, jsonb_array_elements(s.statement -> 'attachments') a
        WHERE s.statement ? 'attachments'
    )
    SELECT k.sha2, k.length, coalesce((SELECT max(stored) FROM xapi_statement), '-infinity')::text
    FROM xapi_attachment k
    WHERE k.kept_at < :before AND NOT EXISTS (SELECT FROM named n WHERE n.sha2 = k.sha2)
    ORDER BY k.sha2
    """
)
_FORGET: Final = text(
    "SELECT count(*) FROM forget_xapi_attachments(:hashes, CAST(:seen_through AS timestamptz))"
).bindparams(bindparam("hashes", type_=ARRAY(Text())))
_UNNEEDED: Final = text(
    "SELECT digest FROM unnest(:digests) digest"
    " WHERE NOT EXISTS (SELECT FROM xapi_attachment k WHERE k.digest = digest.digest)"
).bindparams(bindparam("digests", type_=ARRAY(Text())))


class SpoolWaitsError(ServiceUnavailableError):
    """Statements wait in the spool, and the rows of their attachments with them (503)."""

    title = "Statements wait to be stored"


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Attachments that no statement names and files that no attachment needs, those of the attachments not included."""

    attachments: int
    attachment_bytes: int
    files: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed; the files of removed attachments are among the files, unless somebody has just put them."""

    attachments: int
    files: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class _Unnamed:
    """Hashes that no statement names, their bytes, and up to which statement this was looked at."""

    hashes: Sequence[str]
    length: int
    seen_through: str


async def leftovers(database: Database, *, grace: timedelta = GRACE) -> Leftovers:
    """Count what `clean` would remove, and change nothing."""
    before = clock.now() - grace
    unnamed = await _unnamed(database, before)
    files = [each async for some in _unneeded(database, before) for each in some]
    return Leftovers(len(unnamed.hashes), unnamed.length, len(files), sum(each.length for each in files))


async def clean(database: Database, *, grace: timedelta = GRACE) -> Removed:
    """Remove what nothing has named for the time of grace.

    Raises SpoolWaitsError, and FilesUnavailableError when the folder cannot be reached.
    """
    if (await asyncio.to_thread(SpoolFolder.of(database.settings).status, 0)).segments:
        raise SpoolWaitsError("Statements wait in the spool of this server; clean when they are stored.")
    before = clock.now() - grace
    unnamed = await _unnamed(database, before)
    attachments = 0
    for hashes in _portions(unnamed.hashes):
        async with database.transaction(_ACTOR, timeout_seconds=0) as session:
            values = {"hashes": list(hashes), "seen_through": unnamed.seen_through}
            gone: int = (await session.execute(_FORGET, values)).scalar_one()
            if gone:
                _leave_entry(session, f"{gone:,} attachments that no statement names were removed", attachments=gone)
        attachments += gone
    removed: list[StaleFile] = []
    async for some in _unneeded(database, before):
        for files in _portions(some):
            removed += await _remove(database, files, before)
    return Removed(attachments, len(removed), sum(each.length for each in removed))


async def clean_by_schedule(database: Database) -> None:
    """`clean`, for the worker's schedule; while statements wait in the spool, it is for the next night."""
    try:
        await clean(database)
    except SpoolWaitsError as error:
        get_logger().warning("lrs.attachments_not_cleaned", reason=error.message)


async def _unnamed(database: Database, before: datetime) -> _Unnamed:
    async with database.transaction(_ACTOR, timeout_seconds=0) as session:
        rows = (await session.execute(_UNNAMED, {"before": before})).all()
    return _Unnamed([row[0] for row in rows], sum(row[1] for row in rows), rows[0][2] if rows else "-infinity")


async def _unneeded(database: Database, before: datetime) -> AsyncIterator[Sequence[StaleFile]]:
    """The old files that no row names, in portions."""
    async for files in file_store(database.settings).stale(before):
        async with database.transaction(_ACTOR) as session:
            unneeded = await _of_no_row(session, files)
        if unneeded:
            yield unneeded


async def _of_no_row(session: Session, files: Sequence[StaleFile]) -> Sequence[StaleFile]:
    values = {"digests": [each.digest for each in files]}
    unneeded = frozenset((await session.scalars(_UNNEEDED, values)).all())
    return [each for each in files if each.digest in unneeded]


async def _remove(database: Database, files: Sequence[StaleFile], before: datetime) -> Sequence[StaleFile]:
    """Remove files that still no row names; writers of rows wait meanwhile."""
    store: FileStore = file_store(database.settings)
    async with database.transaction(_ACTOR) as session:
        await take_turn(await session.connection())
        unneeded = await _of_no_row(session, files)
        removed = [each for each in unneeded if await store.delete_stale(each.digest, before)]
        if removed:
            size = sum(each.length for each in removed)
            _leave_entry(
                session, f"{len(removed):,} files of no attachment were removed", files=len(removed), size=size
            )
    return removed


def _portions(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]


def _leave_entry(session: Session, summary: str, **changes: int) -> None:
    record(
        session,
        actor=_ACTOR,
        action="xapi_attachment.removed",
        subject=Subject("xapi_attachment", ATTACHMENTS),
        summary=summary,
        changes=changes,
    )
