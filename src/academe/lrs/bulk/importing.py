"""Imports of files of statements."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, BinaryIO, Final

from sqlalchemy import select

from academe.lrs.bulk.checkpoints import Checkpoint, Progress
from academe.lrs.bulk.errors import DamagedFileError, SenderNotInForceError
from academe.lrs.bulk.lines import Chunk, ReadLine, RefusedLine, Rules, chunks
from academe.lrs.senders import models
from academe.lrs.senders.errors import SenderNotFoundError
from academe.lrs.senders.queries import SenderState, state_of
from academe.lrs.senders.scopes import scopes_named
from academe.lrs.senders.types import Sender
from academe.lrs.statements.errors import StatementConflictError
from academe.lrs.statements.incoming import Batch, incoming
from academe.lrs.statements.intake import Intake
from academe.lrs.xapi.identity import key_of
from academe.lrs.xapi.versions import Version
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database

Say = Callable[[Progress], None]

_WAITING_BYTES: Final = 64 * 2**20
_SKIP: Final = 2**20
_SAME_ID: Final = "Another statement with this id is in the store, and it is not the same; statements never change."


async def import_statements(
    database: Database,
    *,
    actor: Actor,
    sender: Sender,
    stream: BinaryIO,
    rules: Rules,
    checkpoint: Checkpoint | None,
    keep_authority: bool = False,
    say: Say,
) -> Progress:
    """Store the statements of a stream in the name of a sender; returns what became of its lines.

    Goes on where the checkpoint says, and removes it at the end. With `keep_authority` each statement keeps the
    authority that it brings; whoever asks for that answers for it. Raises DamagedFileError, after storing what stands
    before the damage, and ServiceUnavailableError; the checkpoint then stays.
    """
    progress = checkpoint.load() if checkpoint is not None else Progress()
    intake = Intake(database, limit_bytes=_WAITING_BYTES)
    importer = _Importer(intake, sender, keep_authority=keep_authority)
    try:
        await asyncio.to_thread(_skip, stream, progress.offset)
        parts = chunks(stream, rules, offset=progress.offset, line=progress.lines)
        await _go_through(parts, importer, progress, say, checkpoint, stop_at_first=rules.stop_at_first)
    finally:
        await intake.close()
    await _leave_entry(database, actor, sender, progress, keep_authority=keep_authority)
    if checkpoint is not None:
        checkpoint.remove()
    return progress


def check_statements(stream: BinaryIO, rules: Rules, say: Say) -> Progress:
    """What would become of the lines of a stream, without a database; ids that are taken are not found."""
    progress = Progress()
    for chunk in chunks(stream, rules, offset=0, line=0):
        _count(progress, chunk, chunk.refused)
        say(progress)
    return progress


async def sender_of_key(database: Database, actor: Actor, key: str) -> Sender:
    """The sender with a key; raises SenderNotFoundError and SenderNotInForceError."""
    async with database.transaction(actor) as session:
        found = (await session.execute(select(models.Sender).where(models.Sender.key == key))).scalar_one_or_none()
    if found is None:
        raise SenderNotFoundError
    if state_of(found.revoked_at, found.expires_at) is not SenderState.ACTIVE:
        raise SenderNotInForceError
    scopes = frozenset(scopes_named(found.scopes))
    return Sender(found.id, found.name, found.authority, found.authority_key, scopes, found.institution_id)


@dataclass(frozen=True, slots=True)
class _Of:
    """What the statements of one batch have in common; `authority` is None for the sender's own."""

    version: Version
    authority: str | None


class _Importer:
    """Stores chunks through an intake."""

    def __init__(self, intake: Intake, sender: Sender, *, keep_authority: bool) -> None:
        self._intake = intake
        self._sender = sender
        self._keep_authority = keep_authority

    async def store(self, statements: Sequence[ReadLine]) -> list[RefusedLine]:
        """Store statements in one or two transactions; returns those whose ids belong to others."""
        groups = [(of, list(lines)) for of, lines in groupby(statements, self._common)]
        results = await self._each(groups)
        disputed = [
            (of, [line]) for (of, lines), refused in zip(groups, results, strict=True) if refused for line in lines
        ]
        again = await self._each(disputed) if disputed else []
        refused_lines = [lines[0].line for (_, lines), refused in zip(disputed, again, strict=True) if refused]
        return [RefusedLine(line, "/id", _SAME_ID) for line in refused_lines]

    async def _each(self, groups: Sequence[tuple[_Of, list[ReadLine]]]) -> list[bool]:
        """Give groups to the intake, which stores them together; whether each was refused for an id that is taken."""
        batches = [self._batch(of, lines) for of, lines in groups]
        results = await asyncio.gather(*map(self._intake.store, batches), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, StatementConflictError):
                raise result
        return [result is not None for result in results]

    def _common(self, line: ReadLine) -> _Of:
        authority = line.statement.get("authority") if self._keep_authority else None
        return _Of(line.version, None if authority is None else json.dumps(authority, sort_keys=True))

    def _batch(self, of: _Of, lines: Sequence[ReadLine]) -> Batch:
        sender = self._sender if of.authority is None else _in_name_of(self._sender, of.authority)
        return Batch(
            statements=incoming([line.statement for line in lines], of.version, sender),
            version=of.version,
            sender=sender,
            size=sum(line.size for line in lines),
            # Whoever may use the command line may say what activities are; a sender's scopes are about requests.
            may_define=True,
            is_array=True,
        )


def _in_name_of(sender: Sender, authority: str) -> Sender:
    agent: dict[str, Any] = json.loads(authority)
    # Two members stand for a person and an application (OAuth): they have no key but what they are.
    return replace(sender, authority=agent, authority_key=key_of(agent) or f"members:{authority}")


async def _go_through(
    parts: Iterator[Chunk],
    importer: _Importer,
    progress: Progress,
    say: Say,
    checkpoint: Checkpoint | None,
    *,
    stop_at_first: bool,
) -> None:
    """Store chunk after chunk; the next one is read and checked while one is stored."""
    damage: DamagedFileError | None = None
    chunk = await asyncio.to_thread(next, parts, None)
    while chunk is not None:
        storing = asyncio.create_task(importer.store(chunk.statements))
        following: Chunk | None = None
        try:
            following = await asyncio.to_thread(next, parts, None)
        except DamagedFileError as error:
            damage = error
        finally:
            disputed = await storing
        _count(progress, chunk, sorted([*chunk.refused, *disputed], key=lambda refused: refused.line))
        if checkpoint is not None:
            checkpoint.save(progress)
        say(progress)
        chunk = None if stop_at_first and progress.refused else following
    if damage is not None:
        raise damage


def _count(progress: Progress, chunk: Chunk, refused: Sequence[RefusedLine]) -> None:
    progress.offset, progress.lines = chunk.offset, chunk.line
    progress.accepted += len(chunk.statements) - (len(refused) - len(chunk.refused))
    progress.with_attachments += sum("attachments" in line.statement for line in chunk.statements)
    progress.refuse(refused)


def _skip(stream: BinaryIO, offset: int) -> None:
    """Read over what is done; a compressed stream knows no other way."""
    left = offset
    while left > 0 and (passed := stream.read(min(left, _SKIP))):
        left -= len(passed)


async def _leave_entry(
    database: Database, actor: Actor, sender: Sender, progress: Progress, *, keep_authority: bool
) -> None:
    said = f"{progress.accepted} statements imported in the name of a sender, {progress.refused} lines refused"
    changes = {"accepted": progress.accepted, "refused": progress.refused, "keep_authority": keep_authority}
    async with database.transaction(actor) as session:
        subject = Subject("xapi_sender", sender.id)
        record(session, actor=actor, action="xapi_statements.imported", subject=subject, summary=said, changes=changes)
