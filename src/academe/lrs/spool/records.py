"""What requests brought, as bytes of a frame and back.

A statement goes into a frame as its sender gave it, with its id. What the store adds is added when it is stored, but
for the time of receipt: it becomes the timestamp of a statement that has none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json, to_json

from academe.lrs.senders.scopes import in_order, scopes_named
from academe.lrs.senders.types import Sender
from academe.lrs.statements.attachments import StoredContent
from academe.lrs.statements.incoming import Batch, incoming
from academe.lrs.xapi.grammar import timestamp_text
from academe.lrs.xapi.versions import Version


@dataclass(frozen=True, slots=True)
class Spooled:
    """One statement out of the spool, as a batch of its own: it is stored or set aside whatever becomes of others.

    `place` counts the statements of its frame.
    """

    batch: Batch
    received_at: datetime
    frame: int
    place: int

    @property
    def statement_id(self) -> str:
        """In lower case."""
        return self.batch.statements[0].id


def encoded(batches: Sequence[Batch], received_at: datetime) -> bytes:
    """The content of a frame."""
    return to_json({"at": received_at.isoformat(), "batches": [_plain(batch) for batch in batches]})


def decoded(content: bytes, frame: int) -> Iterator[Spooled]:
    """The statements of a frame, in order."""
    read = from_json(content)
    received_at = datetime.fromisoformat(read["at"])
    place = 0
    for plain in read["batches"]:
        for batch in _batches(plain, received_at):
            yield Spooled(batch, received_at, frame, place)
            place += 1


def _plain(batch: Batch) -> dict[str, Any]:
    sender = batch.sender
    return {
        "version": batch.version.value,
        "sender": {
            "id": sender.id.hex,
            "name": sender.name,
            "authority": sender.authority,
            "authority_key": sender.authority_key,
            "scopes": in_order(sender.scopes),
            "institution_id": None if sender.institution_id is None else sender.institution_id.hex,
        },
        "may_define": batch.may_define,
        "contents": [asdict(content) for content in batch.contents],
        "statements": [{"id": one.id, **one.statement} for one in batch.statements],
    }


def _batches(plain: dict[str, Any], received_at: datetime) -> Iterator[Batch]:
    """A batch for each statement; each has the attachments of all, for any of them may be refused.

    What is kept of a statement without a timestamp has the time of receipt. Whether it is the one that has its id
    already is told by what was sent.
    """
    version, given = Version(plain["version"]), plain["sender"]
    sender = Sender(
        UUID(given["id"]),
        given["name"],
        given["authority"],
        given["authority_key"],
        scopes_named(given["scopes"]),
        None if given["institution_id"] is None else UUID(given["institution_id"]),
    )
    contents = [StoredContent(**content) for content in plain["contents"]]
    timestamp = {"timestamp": timestamp_text(received_at)}
    sent: list[dict[str, Any]] = plain["statements"]
    for one, statement in zip(incoming([timestamp | each for each in sent], version, sender), sent, strict=True):
        as_sent = replace(one, statement=statement)
        yield Batch([as_sent], version, sender, 0, plain["may_define"], is_array=False, contents=contents)
