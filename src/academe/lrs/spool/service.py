"""Verbs of the spool: what a replay leaves behind, and what becomes of statements that were set aside."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import CursorResult, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.types import Uuid

from academe.lrs.keys import key_uuid
from academe.lrs.senders.models import Sender
from academe.lrs.senders.policy import require
from academe.lrs.spool import policy
from academe.lrs.spool.models import XapiSetAside
from academe.lrs.spool.queries import one_of
from academe.lrs.spool.records import Spooled
from academe.lrs.spool.replay import Replay
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session

_NAMED_AT_MOST: Final = 100

_FORGET: Final = text("DELETE FROM xapi_set_aside WHERE agent_keys && :keys").bindparams(
    bindparam("keys", type_=ARRAY(Uuid()))
)


async def record_replay(session: Session, *, actor: Actor, replay: Replay) -> None:
    """Say in the audit what became of a segment, and keep what could not be stored; again, it adds no statement."""
    segment = replay.segment.name
    for sender_id in sorted({one.batch.sender.id for one in replay.refused}, key=str):
        refused = [one for one in replay.refused if one.batch.sender.id == sender_id]
        await _set_aside(session, actor, segment.identity, sender_id, refused)
    record(
        session,
        actor=actor,
        action="xapi_spool.replayed",
        subject=Subject("xapi_spool", segment.identity),
        summary=f"{replay.stored:,} statements that waited for the database are stored",
        changes={
            "received_from": segment.received_at,
            "stored": replay.stored,
            "set_aside": len(replay.refused),
            "faults": replay.faults,
        },
    )


async def _set_aside(
    session: Session, actor: Actor, segment: UUID, sender_id: UUID, refused: Sequence[Spooled]
) -> None:
    institution = (await session.execute(select(Sender.institution_id).where(Sender.id == sender_id))).scalar()
    rows = [_row(segment, institution, one) for one in refused]
    await session.execute(insert(XapiSetAside).on_conflict_do_nothing(index_elements=["id"]), rows)
    record(
        session,
        actor=actor,
        action="xapi_statements.set_aside",
        subject=Subject("xapi_sender", sender_id, institution),
        summary=f"{len(rows):,} acknowledged statements have the ids of others and were set aside",
        changes={"segment": segment, "statements": [row["statement_id"] for row in rows[:_NAMED_AT_MOST]]},
    )


def _row(segment: UUID, institution: UUID | None, one: Spooled) -> dict[str, Any]:
    statement = one.batch.statements[0]
    return {
        "id": uuid5(segment, f"{one.frame}.{one.place}"),
        "institution_id": institution,
        "sender_id": one.batch.sender.id,
        "statement_id": UUID(one.statement_id),
        "received_at": one.received_at,
        "agent_keys": [key_uuid(key) for key in sorted(statement.found.related_agents)],
        "statement": dict(statement.statement),
    }


async def dismiss(session: Session, *, actor: Actor, id_: UUID) -> None:
    """Delete a statement that was set aside, when somebody has looked at it and settled it with its sender.

    Raises SetAsideNotFoundError and PermissionDeniedError.
    """
    require(policy.can_read(actor), actor, policy.READERS_ONLY)
    one = await one_of(session, policy.readable_by(actor), id_)
    require(policy.can_dismiss(actor, one.institution_id), actor, policy.MANAGERS_ONLY)
    await session.execute(delete(XapiSetAside).where(XapiSetAside.id == id_))
    record(
        session,
        actor=actor,
        action="xapi_set_aside.dismissed",
        subject=Subject("xapi_set_aside", id_, one.institution_id),
        summary="A statement that had been set aside was dismissed",
        changes={"statement": one.statement_id, "sender": one.sender_id},
    )


async def forget_set_aside(session: Session, *, keys: Sequence[UUID]) -> int:
    """Delete what was set aside and mentions an agent that is erased; returns how many."""
    result = await session.execute(_FORGET, {"keys": list(keys)})
    assert isinstance(result, CursorResult)
    return result.rowcount
