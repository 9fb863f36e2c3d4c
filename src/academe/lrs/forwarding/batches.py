"""What a forward sends next: the statements behind its position that fit, in the order of `stored`.

A look reads at most some thousand statements in their order, whether they fit or not, so that a forward of few among
millions still moves on in steps of milliseconds.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import BindParameter, Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from academe.lrs.forwarding.models import XapiForward, XapiForwardProgress
from academe.lrs.forwarding.types import ForwardVersion
from academe.lrs.keys import key_uuid
from academe.lrs.statements.models import INSTALLATION
from academe.lrs.xapi.objects import VOIDED
from academe.platform import clock
from academe.platform.database.session import Session

LOOKED_AT: Final = 5_000
"""Statements that one look reads, of which as many are sent as fit and the batch holds."""

# As the sender gave it, with its id and its time: `stored`, `authority` and `version` are the other store's to say.
_TEXT: Final = (
    """'{"id": "' || s.id || '", ' || CASE WHEN s.statement ? 'timestamp' THEN '' ELSE '"timestamp": "'"""
    """ || to_char(s.stored AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '", ' END"""
    """ || substr((s.statement - 'version')::text, 2)"""
)


def _fits(name: str) -> str:
    """The condition that a statement, a row of `xapi_statement`, fits the filter."""
    return f"""(
        (CAST(:institution AS uuid) IS NULL OR {name}.institution_id = :institution)
        AND (CAST(:senders AS uuid[]) IS NULL OR {name}.sender_id = ANY(:senders))
        AND (CAST(:verbs AS uuid[]) IS NULL OR {name}.verb_key = ANY(:verbs))
        AND (CAST(:registration AS uuid) IS NULL OR {name}.registration = :registration)
        AND (CAST(:agents AS uuid[]) IS NULL OR {name}.agent_key = ANY(:agents) OR EXISTS (
            SELECT FROM xapi_statement_agent m
            WHERE m.stored = {name}.stored AND m.is_narrow AND m.agent_key = ANY(:agents)))
        AND (CAST(:activities AS uuid[]) IS NULL AND CAST(:types AS text[]) IS NULL
            OR {name}.activity_key = ANY(:activities)
            OR EXISTS (SELECT FROM xapi_statement_activity m
                WHERE m.stored = {name}.stored AND m.activity_key = ANY(:activities))
            OR EXISTS (SELECT FROM xapi_activity a
                WHERE a.id = {name}.activity_key
                    AND a.institution_id = coalesce({name}.institution_id, '{INSTALLATION}')
                    AND a.definition ->> 'type' = ANY(:types)))
    )"""  # noqa: S608 - the name is one of this file's


# A statement that refers to another one goes where that one went. One that voids goes nowhere else: a store that has
# not got a statement need not hear that it does not hold.
_TARGET_FITS: Final = f"""EXISTS (
    SELECT FROM xapi_reference r
    JOIN xapi_statement_id i ON i.id = r.target_id
    JOIN xapi_statement t ON t.stored = i.stored
    WHERE r.id = s.id AND t.stored < s.stored AND t.stored > :starts_after AND {_fits("t")}
)"""

_TRAVELS: Final = f"""
    CASE WHEN s.verb_key = :voided THEN CAST(:voiding AS boolean) AND {_TARGET_FITS}
         WHEN EXISTS (SELECT FROM xapi_reference r WHERE r.id = s.id)
             THEN CAST(:references AS boolean) AND ({_fits("s")} OR {_TARGET_FITS})
         ELSE {_fits("s")} END
    AND (CAST(:institution AS uuid) IS NULL OR s.institution_id = :institution)
    AND (s.verb_key = :voided OR NOT EXISTS (
        SELECT FROM xapi_voided v
        WHERE v.statement_id = s.id AND (NOT CAST(:voiding AS boolean) OR v.voided_at < s.stored)))
"""  # noqa: S608 - constants

_BINDS: Final[tuple[BindParameter[Any], ...]] = (
    *(bindparam(name, type_=ARRAY(Uuid())) for name in ("senders", "verbs", "agents", "activities")),
    bindparam("types", type_=ARRAY(Text())),
    bindparam("registration", type_=Uuid()),
    bindparam("institution", type_=Uuid()),
)

_UPTO: Final = text(
    "SELECT max(stored), count(*) FROM (SELECT stored FROM xapi_statement WHERE stored > :after ORDER BY stored"
    " LIMIT :looked_at) s"
)

# The texts are measured before they are sent: of large ones fewer go together.
_NEXT: Final = text(
    f"""
    SELECT id, stored, text FROM (
        SELECT f.*, sum(octet_length(f.text)) OVER (ORDER BY f.stored) - octet_length(f.text) AS before
        FROM (
            SELECT s.id, s.stored, {_TEXT} AS text FROM xapi_statement s
            WHERE s.stored > :after AND s.stored <= :upto AND {_TRAVELS}
            ORDER BY s.stored LIMIT :most
        ) f
    ) measured WHERE before < :bytes ORDER BY stored
    """  # noqa: S608 - constants
).bindparams(*_BINDS)

_AGAIN: Final = text(
    f"""
    SELECT s.id, s.stored, {_TEXT} AS text FROM xapi_forward_letter l
    JOIN xapi_statement s ON s.stored = l.stored
    WHERE l.forward_id = :forward AND l.again_at IS NOT NULL ORDER BY l.again_at, l.stored LIMIT 1
    """  # noqa: S608 - constants
)
_GONE: Final = text(
    "UPDATE xapi_forward_letter l SET again_at = NULL, reason = 'It has expired here and cannot be sent again.'"
    " WHERE l.forward_id = :forward AND l.again_at IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM xapi_statement s WHERE s.stored = l.stored)"
)
_ANEW: Final = text(
    f"SELECT s.id, s.stored, {_TEXT} AS text FROM xapi_statement s WHERE s.stored = ANY(:times) ORDER BY s.stored"  # noqa: S608 - constants
)
_LENGTHS: Final = text("SELECT sha2, length FROM xapi_attachment WHERE sha2 = ANY(:hashes)")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A statement on its way: its JSON as it is sent, and the hashes of its attachments."""

    id: UUID
    stored: datetime
    text: str
    hashes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """What a forward does next: where to, and the statements from behind `after` up to `upto`.

    Where a dead letter is to be sent again, it is the only statement, and the position stays (`is_letter`). With
    `is_full`, the bytes have ended it and not the number of statements.
    """

    forward_id: UUID
    institution_id: UUID | None
    name: str
    endpoint: str
    version: ForwardVersion
    authorization: str = field(repr=False)
    after: datetime
    upto: datetime
    batch: int
    attempts: int
    refused_in_row: int
    statements: Sequence[Waiting]
    more: bool
    is_full: bool = False
    is_letter: bool = False


async def next_task(session: Session, forward_id: UUID, *, most: int, limit_bytes: int) -> Task | None:
    """What to do now; None for a forward that is paused, waits for its next attempt, or has read everything."""
    found = select(XapiForward, XapiForwardProgress).join(XapiForwardProgress)
    row = (await session.execute(found.where(XapiForward.id == forward_id))).one_or_none()
    if row is None:
        return None
    forward, progress = row
    if progress.paused_at or (progress.next_attempt_at and progress.next_attempt_at > clock.now()):
        return None
    batch = min(progress.batch, most)
    await session.execute(_GONE, {"forward": forward_id})
    again = _waiting((await session.execute(_AGAIN, {"forward": forward_id})).all())
    if again:
        return _task(forward, progress, again, upto=progress.position, batch=batch, more=True, is_letter=True)
    upto, looked_at = (
        await session.execute(_UPTO, {"after": progress.position, "looked_at": max(LOOKED_AT, batch)})
    ).one()
    if upto is None:
        return None
    values = _values(forward) | {"after": progress.position, "upto": upto, "most": batch, "bytes": limit_bytes}
    found_rows = _waiting((await session.execute(_NEXT, values)).all())
    statements = await _within(session, found_rows, limit_bytes)
    # A cut batch ends with its last statement; one that is not full has seen everything up to the end of the look.
    is_full = len(statements) < len(found_rows) or _fills(found_rows, limit_bytes)
    is_cut = is_full or len(found_rows) == batch
    more = is_cut or looked_at >= LOOKED_AT
    upto = statements[-1].stored if is_cut else upto
    return _task(forward, progress, statements, upto=upto, batch=batch, more=more, is_full=is_full)


async def anew(session: Session, statements: Sequence[Waiting]) -> list[Waiting]:
    """The same statements as they stand now: without those that have expired, and with pseudonyms of the erased."""
    return _waiting((await session.execute(_ANEW, {"times": [each.stored for each in statements]})).all())


async def first_ahead(session: Session, forward: XapiForward, progress: XapiForwardProgress) -> Waiting | None:
    """The statement that a forward sends next, looked for among the next ones only."""
    upto = (await session.execute(_UPTO, {"after": progress.position, "looked_at": LOOKED_AT})).one()[0]
    if upto is None:
        return None
    values = _values(forward) | {"after": progress.position, "upto": upto, "most": 1, "bytes": 1}
    return next(iter(_waiting((await session.execute(_NEXT, values)).all())), None)


def _task(
    forward: XapiForward,
    progress: XapiForwardProgress,
    statements: Sequence[Waiting],
    *,
    upto: datetime,
    batch: int,
    more: bool,
    is_full: bool = False,
    is_letter: bool = False,
) -> Task:
    credentials = base64.b64encode(f"{forward.key}:{forward.secret}".encode()).decode()
    return Task(
        forward_id=forward.id,
        institution_id=forward.institution_id,
        name=forward.name,
        endpoint=forward.endpoint,
        version=forward.version,
        authorization=f"Basic {credentials}",
        after=progress.position,
        upto=upto,
        batch=batch,
        attempts=progress.attempts,
        refused_in_row=progress.refused_in_row,
        statements=statements,
        more=more,
        is_full=is_full,
        is_letter=is_letter,
    )


def _values(forward: XapiForward) -> dict[str, Any]:
    """The parameters of the filter; nothing given is null, which lets everything through."""
    return {
        "senders": forward.sender_ids or None,
        "verbs": [key_uuid(verb) for verb in forward.verbs] or None,
        "agents": forward.agent_keys or None,
        "activities": [key_uuid(activity) for activity in forward.activities] or None,
        "types": forward.activity_types or None,
        "registration": forward.registration,
        "institution": forward.institution_id,
        "voiding": forward.with_voiding,
        "references": forward.with_references,
        "starts_after": forward.starts_after,
        "voided": key_uuid(VOIDED),
    }


def _waiting(rows: Sequence[Any]) -> list[Waiting]:
    return [Waiting(row.id, row.stored, row.text, _hashes_in(row.text)) for row in rows]


def _hashes_in(statement_text: str) -> tuple[str, ...]:
    if '"attachments"' not in statement_text:
        return ()
    statement = from_json(statement_text)
    holders = (statement, statement["object"])
    return tuple(each["sha2"].lower() for holder in holders for each in holder.get("attachments", ()))


def _fills(statements: Sequence[Waiting], limit_bytes: int) -> bool:
    return bool(statements) and sum(len(each.text.encode()) for each in statements) >= limit_bytes


async def _within(session: Session, statements: list[Waiting], limit_bytes: int) -> list[Waiting]:
    """The first statements that, with the bytes of their attachments, are within the limit; one at least."""
    hashes = sorted({sha2 for each in statements for sha2 in each.hashes})
    if not hashes:
        return statements
    rows = (await session.execute(_LENGTHS, {"hashes": hashes})).all()
    lengths: dict[str, int] = {row.sha2: row.length for row in rows}
    size = 0
    for place, each in enumerate(statements):
        size += len(each.text.encode()) + sum(lengths.pop(sha2, 0) for sha2 in each.hashes)
        if size > limit_bytes and place:
            return statements[:place]
    return statements
