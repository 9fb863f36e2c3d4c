"""Leaves audit entries: what somebody did, and that somebody looked at the record of another."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.orm import SessionTransaction

from academe.platform.actor import Actor
from academe.platform.audit.types import EntryKind
from academe.platform.database.driver import DriverStatement
from academe.platform.database.session import Session
from academe.platform.ids import new_id

_PENDING: Final = "audit entries of this transaction"

# One statement however many entries, with one parameter; the database adds time, number and hashes in this order.
_INSERT: Final = DriverStatement(
    "INSERT INTO audit_entry (id, kind, action, actor_kind, actor_person_id, actor_label, subject_kind, subject_id,"
    " institution_id, person_id, purpose, summary, changes)"
    " SELECT id, kind, action, actor_kind, actor_person_id, actor_label, subject_kind, subject_id, institution_id,"
    " person_id, purpose, summary, changes"
    " FROM ROWS FROM (jsonb_to_recordset(CAST(%(entries)s AS jsonb)) AS (id uuid, kind text, action text,"
    " actor_kind text, actor_person_id uuid, actor_label text, subject_kind text, subject_id uuid,"
    " institution_id uuid, person_id uuid, purpose text, summary text, changes jsonb)) WITH ORDINALITY"
    " ORDER BY ordinality",
    operation="insert",
    table="audit_entry",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What an entry is about: a row (`kind` is its table, `id` its key), where it belongs, and whose record it is."""

    kind: str
    id: UUID
    institution_id: UUID | None = None
    person_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Pending:
    """An entry to be written, and the savepoints in which it came about."""

    savepoints: tuple[SessionTransaction, ...]
    entry: dict[str, Any]


def record(
    session: Session,
    *,
    actor: Actor,
    action: str,
    subject: Subject,
    summary: str,
    changes: Mapping[str, object] | None = None,
) -> None:
    """Leave an entry of a write in the caller's transaction.

    `action` is the thing and what happened to it ("enrollment.created"). `summary` says it to a person who audits, with
    numbers and never with names. `changes` maps fields to values, or to [before, after]; dates, ids and decimals become
    text. The entry is written right before the commit, so that the chain is locked no longer than that.
    """
    _remember(session, actor, EntryKind.WRITE, action, subject, summary, changes=changes)


def record_access(session: Session, *, actor: Actor, subject: Subject, purpose: str, action: str | None = None) -> None:
    """Leave an entry that the actor looked at the record of another person, and what for.

    The roles in which the actor may have looked, those held in the institution of the subject, stand in `changes`.
    Nothing is left when people look at their own record.
    """
    own = actor.person_id is not None and actor.person_id == subject.person_id
    if own and actor.masquerader_id is None:
        return
    summary = f"Looked at {subject.kind.replace('_', ' ')} for: {purpose}"
    roles = sorted({scope.role for scope in actor.scopes if scope.institution_id == subject.institution_id})
    _remember(
        session,
        actor,
        EntryKind.READ,
        action or f"{subject.kind}.read",
        subject,
        summary,
        changes={"roles": roles} if roles else None,
        purpose=purpose,
    )


def _remember(
    session: Session,
    actor: Actor,
    kind: EntryKind,
    action: str,
    subject: Subject,
    summary: str,
    *,
    changes: Mapping[str, object] | None = None,
    purpose: str | None = None,
) -> None:
    if actor.masquerader_id is not None:
        summary = f"{summary} (an administrator in this person's name)"
        changes = {**(changes or {}), "masquerader_id": actor.masquerader_id}
    pending: list[_Pending] | None = session.info.get(_PENDING)
    if pending is None:
        pending = session.info[_PENDING] = []
        session.before_commit.append(_write)
    pending.append(
        _Pending(
            _savepoints(session.sync_session),
            {
                "id": new_id(),
                "kind": kind,
                "action": action,
                "actor_kind": actor.kind,
                "actor_person_id": actor.person_id,
                # The name of a person is looked up when somebody who may see it reads the entry; it is not kept here.
                "actor_label": None if actor.person_id else actor.label,
                "subject_kind": subject.kind,
                "subject_id": subject.id,
                "institution_id": subject.institution_id,
                "person_id": subject.person_id,
                "purpose": purpose,
                "summary": summary,
                "changes": changes,
            },
        )
    )


async def _write(session: Session) -> None:
    entries = [pending.entry for pending in session.info.pop(_PENDING)]
    if not entries:
        return
    parameters = {"entries": json.dumps(entries, ensure_ascii=False, default=_as_text)}
    await _INSERT.rows(await session.connection(), parameters)


def _savepoints(session: SyncSession) -> tuple[SessionTransaction, ...]:
    """The savepoints that are open now, the innermost first."""
    found = []
    transaction = session.get_nested_transaction()
    while transaction is not None and transaction.nested:
        found.append(transaction)
        transaction = transaction.parent
    return tuple(found)


@event.listens_for(SyncSession, "after_soft_rollback")
def _forget_rolled_back(session: SyncSession, ended: SessionTransaction) -> None:
    """What a rollback to a savepoint undid leaves no entry."""
    pending: list[_Pending] = session.info.get(_PENDING, [])
    pending[:] = [each for each in pending if ended not in each.savepoints]


def _as_text(value: object) -> object:
    if isinstance(value, set | frozenset | tuple):
        return sorted(map(str, value))
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
