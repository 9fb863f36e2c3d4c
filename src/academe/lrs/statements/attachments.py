"""Attachments of statements: their bytes are files of the installation, found by the hash that the sender gave.

A sender may hash with any member of the SHA-2 family, and files are named by SHA-256: the table `xapi_attachment` leads
from one to the other. The hash was compared with the bytes before anything gets here (`xapi.multipart`).

The bytes are stored once for all. Who gets them back is another matter: the readers of an institution whose sender has
brought them (`xapi_attachment_source`), for a hash is soon known to others, and whoever names it need not have more.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.dialects.postgresql import insert

from academe.lrs.statements.models import INSTALLATION, XapiAttachment, XapiAttachmentSource
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.multipart import Attachment
from academe.platform.actor import system_actor
from academe.platform.database.session import Database, ReadSession, Session
from academe.platform.files.choice import file_store
from academe.platform.files.store import FileStore

_ACTOR: Final = system_actor("lrs")
_UNTYPED: Final = "application/octet-stream"
# It goes back in a header: no line breaks in it, and no characters that headers do not have.
_is_content_type: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?").fullmatch


@dataclass(frozen=True, slots=True)
class StoredContent:
    """An attachment whose bytes are stored: its hash as the sender gave it, the digest of the file, bytes in it."""

    sha2: str
    digest: str
    content_type: str
    length: int


Brought = tuple[StoredContent, UUID | None]
"""An attachment and the institution of the sender that brought it, None for the installation's own senders."""


async def keep_attachments(
    session: Session, store: FileStore, attachments: Iterable[Attachment], institution_id: UUID | None = None
) -> None:
    """Store the bytes of attachments, then write their rows in the transaction of the statements.

    Raises XapiFault for a content type that no header can carry, FileStorageFullError and FilesUnavailableError.
    Storing waits for the disk: whoever holds a lock that others wait for calls `store_contents` before the transaction
    and `write_rows` in it instead.
    """
    stored = await store_contents(store, attachments)
    await write_rows(session, [(content, institution_id) for content in stored])


async def store_contents(store: FileStore, attachments: Iterable[Attachment]) -> tuple[StoredContent, ...]:
    """Store the bytes of attachments. Files whose rows are never written are found again by whoever sends them next."""
    given = tuple(attachments)
    types = [_content_type_of(attachment) for attachment in given]
    return tuple(
        [
            StoredContent(attachment.sha2, await store.put(attachment.data), content_type, len(attachment.data))
            for attachment, content_type in zip(given, types, strict=True)
        ]
    )


async def write_rows(session: Session, brought: Sequence[Brought]) -> None:
    """Write the rows of stored attachments; those of known hashes stay as they are, with the type of the first time."""
    if not brought:
        return
    contents = {content.sha2: content for content, _ in brought}
    rows = [
        {
            "sha2": content.sha2,
            "digest": content.digest,
            "content_type": content.content_type,
            "length": content.length,
        }
        # In one order, so that senders of the same attachments wait for each other and never in a circle.
        for _, content in sorted(contents.items())
    ]
    await session.execute(insert(XapiAttachment).on_conflict_do_nothing(index_elements=["sha2"]), rows)
    sources = sorted({(content.sha2, institution or INSTALLATION) for content, institution in brought})
    await session.execute(
        insert(XapiAttachmentSource).on_conflict_do_nothing(index_elements=["sha2", "institution_id"]),
        [{"sha2": sha2, "institution_id": institution} for sha2, institution in sources],
    )


async def read_attachment(database: Database, sha2: str, *, institution_id: UUID | None) -> tuple[bytes, str] | None:
    """The bytes and the content type of the attachment with a hash, in any case, for readers of an institution.

    With None for the institution, for readers of all. None when its bytes never came, or from others only. Raises
    FileDamagedError and FilesUnavailableError. Asks the primary: a statement that was just stored is complete.
    """
    columns = (XapiAttachment.digest, XapiAttachment.content_type)
    wanted = select(*columns).where(XapiAttachment.sha2 == sha2.lower(), _brought_in(institution_id))
    async with database.transaction(_ACTOR) as session:
        found = (await session.execute(wanted)).one_or_none()
    if found is None:
        return None
    return await file_store(database.settings).get(found.digest), found.content_type


async def contents_kept(session: ReadSession, hashes: Sequence[str], *, institution_id: UUID | None) -> frozenset[str]:
    """Those of some hashes (lower case) whose content is there for readers of an institution, as `read_attachment`."""
    wanted = select(XapiAttachment.sha2).where(XapiAttachment.sha2.in_(hashes), _brought_in(institution_id))
    return frozenset((await session.scalars(wanted)).all())


def _brought_in(institution_id: UUID | None) -> ColumnElement[bool]:
    """That a sender of the institution has brought the content; for None, any has."""
    if institution_id is None:
        return true()
    source = (XapiAttachmentSource.sha2 == XapiAttachment.sha2, XapiAttachmentSource.institution_id == institution_id)
    return select(XapiAttachmentSource.sha2).where(*source).exists()


def _content_type_of(attachment: Attachment) -> str:
    content_type = attachment.content_type or _UNTYPED
    if not _is_content_type(content_type):
        message = "The Content-Type of each attachment must be 1 to 255 printable ASCII characters."
        raise XapiFault("", message)
    return content_type
