"""Noting how far a forward has got, in one transaction with everything that its requests have shown."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CursorResult, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from academe.lrs.facts import AgentErased, ForwardPaused
from academe.lrs.forwarding.batches import Task
from academe.lrs.forwarding.delivery import Answered, Failure, Outcome, Refused
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from academe.platform.outbox.service import announce

FIRST_WAIT_SECONDS: Final = 2.0
LONGEST_WAIT_SECONDS: Final = 900.0

KEPT_ANSWERS: Final = 10
_MINUTES_KEPT: Final = timedelta(days=8)

# The position is moved from where the task began, or not at all: whoever has lost the lock changes nothing.
_ADVANCE: Final = text(
    """
    UPDATE xapi_forward_progress SET
        position = :through, delivered = delivered + :delivered, refused_in_row = :refused_in_row,
        delivered_at = CASE WHEN :delivered > 0 THEN CAST(:now AS timestamptz) ELSE delivered_at END,
        attempts = :attempts, next_attempt_at = :next_attempt_at, failure = CAST(:failure AS text),
        failing_since = CASE WHEN CAST(:failure AS text) IS NOT NULL THEN coalesce(failing_since, :now) END,
        batch = :batch,
        paused_at = coalesce(paused_at, CASE WHEN CAST(:pause AS text) IS NOT NULL THEN CAST(:now AS timestamptz) END),
        pause_reason = coalesce(pause_reason, CAST(:pause AS text)),
        answers = :answers || (SELECT coalesce(jsonb_agg(a ORDER BY n), '[]')
            FROM jsonb_array_elements(answers) WITH ORDINALITY AS e(a, n) WHERE n <= :older)
    WHERE forward_id = :forward AND position = :after
    """
).bindparams(bindparam("answers", type_=JSONB()))
_COUNT: Final = text(
    "INSERT INTO xapi_forward_minute AS m (forward_id, minute, statements, requests, failed)"
    " VALUES (:forward, date_trunc('minute', CAST(:now AS timestamptz)), :statements, :requests, :failed)"
    " ON CONFLICT (forward_id, minute) DO UPDATE SET statements = m.statements + excluded.statements,"
    " requests = m.requests + excluded.requests, failed = m.failed + excluded.failed"
)
_FORGET_MINUTES: Final = text("DELETE FROM xapi_forward_minute WHERE forward_id = :forward AND minute < :before")
_LAY_ASIDE: Final = text(
    "INSERT INTO xapi_forward_letter AS l (id, forward_id, statement_id, stored, status, reason, answer, refused_at)"
    " VALUES (:id, :forward, :statement, :stored, :status, :reason, :answer, :now)"
    " ON CONFLICT (forward_id, statement_id) DO UPDATE SET status = excluded.status, reason = excluded.reason,"
    " answer = excluded.answer, refused_at = excluded.refused_at, again_at = NULL"
)
_SENT_AFTER_ALL: Final = text(
    "DELETE FROM xapi_forward_letter WHERE forward_id = :forward AND statement_id = :statement"
)
# Whatever was written about statements of whom was erased may name them; and a filter by an agent follows it.
_FORGET_ANSWERS: Final = text(
    """
    UPDATE xapi_forward_letter l SET answer = '' WHERE l.answer <> '' AND EXISTS (
        SELECT FROM xapi_statement s WHERE s.stored = l.stored AND (s.agent_key = :new OR EXISTS (
            SELECT FROM xapi_statement_agent m WHERE m.stored = s.stored AND m.agent_key = :new)))
    """
)
_FOLLOW_AGENT: Final = text(
    "UPDATE xapi_forward SET agent_keys = array_replace(agent_keys, :old, :new) WHERE :old = ANY(agent_keys)"
)


class OvertakenError(RuntimeError):
    """Another worker has moved the forward, or somebody has removed it; what was sent twice is there once."""


def wait_seconds(failure: Failure, attempts: int) -> float:
    """How long to wait after the `attempts`th failure in a row: doubled each time, up to 15 minutes.

    What the other store asks for is kept to. A random part keeps forwards that failed together from coming back so.
    """
    doubled = min(FIRST_WAIT_SECONDS * 2.0 ** min(attempts - 1, 20), LONGEST_WAIT_SECONDS)
    waited = doubled * random.uniform(0.5, 1.0)  # noqa: S311 - nothing to be guessed
    if failure.wait_seconds is None:
        return waited
    return failure.wait_seconds + random.uniform(0.0, 1.0)  # noqa: S311 - as above


async def note(session: Session, actor: Actor, task: Task, outcome: Outcome, *, most: int) -> None:
    """Note what became of a task; raises OvertakenError when the forward has moved meanwhile."""
    now, failure = clock.now(), outcome.failure
    attempts = 0 if failure is None else (1 if outcome.delivered else task.attempts + 1)
    answers = [_shown(each, now) for each in outcome.answers[-KEPT_ANSWERS:]][::-1]
    moved = await session.execute(
        _ADVANCE,
        {
            "forward": task.forward_id,
            "after": task.after,
            "through": task.after if task.is_letter else outcome.through,
            "delivered": outcome.delivered,
            "refused_in_row": outcome.refused_in_row,
            "now": now,
            "attempts": attempts,
            "next_attempt_at": _next_attempt(now, failure, attempts),
            "failure": None if failure is None else failure.words,
            "batch": _next_batch(task, outcome, most),
            "pause": None if failure is None or failure.pause is None else failure.pause.value,
            "answers": answers,
            "older": KEPT_ANSWERS - len(answers),
        },
    )
    assert isinstance(moved, CursorResult)
    if moved.rowcount != 1:
        raise OvertakenError
    await _lay_aside(session, task, outcome.refused, now)
    if task.is_letter and outcome.delivered:
        done = {"forward": task.forward_id, "statement": task.statements[0].id}
        await session.execute(_SENT_AFTER_ALL, done)
    await _count(session, task.forward_id, outcome, now)
    if failure is not None and failure.pause is not None:
        subject = Subject("xapi_forward", task.forward_id, task.institution_id)
        said = f"Forward paused by itself: {failure.pause.value.replace('_', ' ')}"
        record(session, actor=actor, action="xapi_forward.paused", subject=subject, summary=said)
        await announce(session, ForwardPaused(task.forward_id, task.institution_id, task.name, failure.words))


async def forget_agent(session: Session, fact: AgentErased) -> None:
    """Receive the erasure of an agent: what other stores said of its statements goes, filters keep to its pseudonym."""
    keys = {"old": fact.agent_key, "new": fact.pseudonym_key}
    await session.execute(_FORGET_ANSWERS, keys)
    await session.execute(_FOLLOW_AGENT, keys)


async def lay_aside(session: Session, forward_id: UUID, refused: Refused) -> None:
    """Make a dead letter of one statement."""
    await _write_letter(session, forward_id, refused, clock.now())


async def _lay_aside(session: Session, task: Task, refused: Sequence[Refused], now: datetime) -> None:
    for each in refused:
        await _write_letter(session, task.forward_id, each, now)


async def _write_letter(session: Session, forward_id: UUID, refused: Refused, now: datetime) -> None:
    values = {
        "id": new_id(),
        "forward": forward_id,
        "statement": refused.statement.id,
        "stored": refused.statement.stored,
        "status": refused.status,
        "reason": refused.reason,
        "answer": refused.answer,
        "now": now,
    }
    await session.execute(_LAY_ASIDE, values)


async def _count(session: Session, forward_id: UUID, outcome: Outcome, now: datetime) -> None:
    if not outcome.answers:
        return
    failed = sum(each.status is None or each.status >= 300 for each in outcome.answers)
    counted = {"statements": outcome.delivered, "requests": len(outcome.answers), "failed": failed}
    await session.execute(_COUNT, {"forward": forward_id, "now": now, **counted})
    await session.execute(_FORGET_MINUTES, {"forward": forward_id, "before": now - _MINUTES_KEPT})


def _next_attempt(now: datetime, failure: Failure | None, attempts: int) -> datetime | None:
    if failure is None or failure.pause is not None:
        return None
    return now + timedelta(seconds=wait_seconds(failure, attempts))


def _next_batch(task: Task, outcome: Outcome, most: int) -> int:
    """Half of it after what smaller batches may help, half of what was too large, else twice as many.

    Where bytes ended the batch, twice what it held: the next look must not read many times what is sent.
    """
    if outcome.failure is not None:
        return max(task.batch // 2, 1) if outcome.failure.shrink else task.batch
    if outcome.too_large:
        return max(outcome.too_large // 2, 1)
    return min((len(task.statements) if task.is_full else task.batch) * 2, most)


def _shown(answer: Answered, now: datetime) -> dict[str, Any]:
    return {
        "at": now.isoformat(),
        "status": answer.status,
        "statements": answer.statements,
        "milliseconds": answer.milliseconds,
        "said": answer.said,
    }
