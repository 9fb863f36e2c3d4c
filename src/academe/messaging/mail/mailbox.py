"""Reads our own mailbox, a Maildir: copies of letters, which settle doubts, and reports of what came back (RFC 3464).

A message is removed once what it says is committed; read twice by two workers, it says the same.
"""

import asyncio
import logging
import mailbox
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Final

from academe.messaging.mail.letters import LetterWriter
from academe.messaging.mail.service import note_bounce, note_copy
from academe.platform.actor import system_actor
from academe.platform.database.session import Database

logger = logging.getLogger(__name__)

ACTOR: Final = system_actor("read our mailbox")
AT_ONCE: Final = 200
_LARGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Copy:
    """A letter of ours arrived in our own mailbox."""

    token: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """A letter of ours came back for good."""

    token: str
    address: str | None
    reply: str


async def read_mailbox(database: Database, writer: LetterWriter) -> int:
    """Read and remove everything that lies in our mailbox; returns how many messages, none without a mailbox.

    What lay there when this began is read when it ends, by this worker or by another that has committed it.
    """
    folder = database.settings.mail_return_folder
    if folder is None:
        return 0
    total = 0
    while (count := await _read_some(database, writer, folder)) > 0:
        total += count
    return total


async def _read_some(database: Database, writer: LetterWriter, folder: Path) -> int:
    found = await asyncio.to_thread(lambda: list(_messages(folder)))
    if not found:
        return 0
    async with database.transaction(ACTOR) as session:
        for _, message in found:
            said = what_is(message, writer)
            if isinstance(said, Copy):
                await note_copy(session, said.token)
            elif isinstance(said, Bounce):
                await note_bounce(session, said.token, address=said.address, reply=said.reply)
    for path, _ in found:
        path.unlink(missing_ok=True)
    return len(found)


def what_is(message: EmailMessage, writer: LetterWriter) -> Copy | Bounce | None:
    """What a message in our mailbox says; None for everything else: answers of people, warnings of delay."""
    if message.get_content_type() == "multipart/report":
        return _bounce(message, writer)
    token = writer.token_of(str(message["Message-ID"] or ""))
    return Copy(token) if token else None


def _bounce(report: EmailMessage, writer: LetterWriter) -> Bounce | None:
    token, address, reply = None, None, None
    for part in report.walk():
        kind = part.get_content_type()
        if kind in ("message/rfc822", "text/rfc822-headers"):
            token = token or writer.token_of(str(_headers_in(part)["Message-ID"] or ""))
        elif kind == "message/delivery-status":
            for fields in part.iter_parts() if part.is_multipart() else ():
                if str(fields["Action"] or "").strip().lower() == "failed":
                    address = str(fields["Final-Recipient"] or "").rpartition(";")[2].strip() or None
                    status = str(fields["Status"] or "").strip()
                    reply = f"{status} {fields['Diagnostic-Code'] or ''}".strip()[:500]
    if token is None or reply is None or not reply.startswith("5"):
        return None
    return Bounce(token, address, reply)


def _headers_in(part: EmailMessage) -> EmailMessage:
    if part.is_multipart():
        inner: EmailMessage = part.get_payload(0)  # type: ignore[assignment]  # a message within a message
        return inner
    parsed: EmailMessage = BytesParser(policy=default).parsebytes(part.get_payload(decode=True) or b"")  # type: ignore[arg-type]  # of a part that is not multipart, it is bytes
    return parsed


def _messages(folder: Path) -> Iterator[tuple[Path, EmailMessage]]:
    """Up to AT_ONCE messages; too large ones, which are none of ours, are left where they are."""
    mailbox.Maildir(folder, create=True)
    count = 0
    for path in (*(folder / "new").iterdir(), *(folder / "cur").iterdir()):
        if count == AT_ONCE:
            return
        try:
            if path.stat().st_size > _LARGEST:
                continue
            with path.open("rb") as source:
                message: EmailMessage = BytesParser(policy=default).parse(source)
        except FileNotFoundError:
            continue  # another worker has read it
        count += 1
        yield path, message
