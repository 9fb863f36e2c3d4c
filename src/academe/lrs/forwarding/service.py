"""Verbs of forwards: add one, change it, pause and resume it, send again, skip, remove it.

What `changes` of the audit say of a filter is how many of what it names: agents are people.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select, update

from academe.lrs.forwarding import policy
from academe.lrs.forwarding.addresses import checked_endpoint
from academe.lrs.forwarding.batches import first_ahead
from academe.lrs.forwarding.delivery import Refused
from academe.lrs.forwarding.errors import ForwardNotFoundError, LetterNotFoundError, NothingToSkipError
from academe.lrs.forwarding.models import LONGEST_NAME, XapiForward, XapiForwardLetter, XapiForwardProgress
from academe.lrs.forwarding.progress import lay_aside
from academe.lrs.forwarding.types import ForwardFilter, ForwardVersion, PauseReason
from academe.lrs.senders.models import Sender
from academe.lrs.senders.policy import require
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.settings import Settings

LONGEST_CREDENTIAL: Final = 500

_STORE: Final = system_actor("forward statements")
_TICK: Final = timedelta(microseconds=1)
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*").fullmatch


@dataclass(frozen=True, slots=True)
class ForwardWanted:
    """What a forward is to be. Without `secret`, the credentials stay as they are; `key` is the user name there."""

    name: str
    endpoint: str
    version: ForwardVersion
    filter: ForwardFilter
    key: str | None = None
    secret: str | None = field(default=None, repr=False)


async def add_forward(
    session: Session,
    *,
    actor: Actor,
    settings: Settings,
    wanted: ForwardWanted,
    institution_id: UUID | None,
    since: datetime | None = None,
) -> XapiForward:
    """Forward what senders of an institution send: from `since` on by the time of storing, or from now.

    Raises PermissionDeniedError and InvalidInputError.
    """
    require(policy.can_manage(actor, institution_id), actor, policy.MANAGERS_ONLY)
    name, endpoint = await _checked(session, settings, wanted, institution_id, needs_credentials=True)
    # The clock of the database, which says when statements are stored; ours may be ahead of it.
    now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    starts_after = now if since is None else since - _TICK
    forward = XapiForward(
        institution_id=institution_id,
        name=name,
        endpoint=endpoint,
        version=wanted.version,
        key=wanted.key,
        secret=wanted.secret,
        starts_after=starts_after,
        created_at=now,
        **_columns(wanted.filter),
    )
    session.add(forward)
    await session.flush()
    progress = XapiForwardProgress(forward_id=forward.id, position=starts_after, batch=settings.xapi_forward_statements)
    session.add(progress)
    await session.flush()
    changes = {"endpoint": endpoint, "starts_after": starts_after, **_counted(wanted.filter)}
    _record(session, actor, forward, "xapi_forward.created", "Forward added", changes)
    return forward


async def change_forward(
    session: Session, *, actor: Actor, settings: Settings, forward_id: UUID, wanted: ForwardWanted
) -> XapiForward:
    """Change a forward; its position stays.

    Another address needs its credentials anew: the present ones must not be sent elsewhere. Raises
    ForwardNotFoundError, PermissionDeniedError and InvalidInputError.
    """
    forward = await _forward(session, actor, forward_id)
    require(policy.can_manage(actor, forward.institution_id), actor, policy.MANAGERS_ONLY)
    endpoint_before, had = forward.endpoint, _counted(_filter_of(forward))
    name, endpoint = await _checked(
        session,
        settings,
        wanted,
        forward.institution_id,
        needs_credentials=wanted.endpoint.strip().rstrip("/") != forward.endpoint,
    )
    forward.name, forward.endpoint, forward.version = name, endpoint, wanted.version
    if wanted.key is not None and wanted.secret is not None:
        forward.key, forward.secret = wanted.key, wanted.secret
    for column, value in _columns(wanted.filter).items():
        setattr(forward, column, value)
    await session.flush()
    now_has = _counted(wanted.filter)
    changes: dict[str, object] = {name: [had[name], now_has[name]] for name in now_has if had[name] != now_has[name]}
    if endpoint != endpoint_before:
        changes["endpoint"] = [endpoint_before, endpoint]
    if wanted.secret is not None:
        changes["credentials"] = "replaced"
    _record(session, actor, forward, "xapi_forward.changed", "Forward changed", changes)
    return forward


async def pause_forward(session: Session, *, actor: Actor, forward_id: UUID) -> None:
    """Send nothing more until somebody resumes it; done twice, it stays as it was."""
    forward, progress = await _to_run(session, actor, forward_id)
    if progress.paused_at is None:
        progress.paused_at, progress.pause_reason = clock.now(), PauseReason.PERSON
        await session.flush()
        _record(session, actor, forward, "xapi_forward.paused", "Forward paused")


async def resume_forward(session: Session, *, actor: Actor, forward_id: UUID) -> None:
    """Go on where it stopped, whatever it stopped for."""
    forward, progress = await _to_run(session, actor, forward_id)
    if progress.paused_at is not None:
        progress.paused_at = progress.pause_reason = None
        _try_now(progress)
        await session.flush()
        _record(session, actor, forward, "xapi_forward.resumed", "Forward resumed")


async def retry_forward(session: Session, *, actor: Actor, forward_id: UUID) -> None:
    """Try again now, and not only when the wait after the last failure is over."""
    forward, progress = await _to_run(session, actor, forward_id)
    _try_now(progress)
    await session.flush()
    _record(session, actor, forward, "xapi_forward.retried", "Forward told to try again now")


async def skip_statement(database: Database, *, actor: Actor, forward_id: UUID) -> UUID:
    """Make a dead letter of the statement that would be sent next; returns its id.

    Asked for by `actor`, done by the system, because statements are closed to everybody else. Raises
    ForwardNotFoundError, PermissionDeniedError and NothingToSkipError.
    """
    async with database.transaction(actor) as session:
        forward, _ = await _to_run(session, actor, forward_id)
        _record(session, actor, forward, "xapi_forward.skip_asked", "Forward told to skip its next statement")
    async with database.transaction(_STORE) as session:
        forward, progress = await _to_run(session, _STORE, forward_id)
        statement = await first_ahead(session, forward, progress)
        if statement is None:
            raise NothingToSkipError
        await lay_aside(session, forward_id, Refused(statement, None, "Somebody has skipped it.", ""))
        progress.position = statement.stored
        _try_now(progress)
        await session.flush()
        changes = {"statement": statement.id}
        _record(session, _STORE, forward, "xapi_forward.skipped", "Statement skipped by a forward", changes)
    return statement.id


async def retry_letters(session: Session, *, actor: Actor, forward_id: UUID, letter_id: UUID | None = None) -> int:
    """Send a dead letter again, or all of them; returns how many. Raises LetterNotFoundError."""
    forward, _ = await _to_run(session, actor, forward_id)
    wanted = update(XapiForwardLetter).where(XapiForwardLetter.forward_id == forward_id)
    if letter_id is not None:
        wanted = wanted.where(XapiForwardLetter.id == letter_id)
    found = await session.scalars(wanted.values(again_at=clock.now()).returning(XapiForwardLetter.id))
    count = len(found.all())
    if letter_id is not None and not count:
        raise LetterNotFoundError
    if count:
        changes = {"letters": count}
        _record(session, actor, forward, "xapi_forward.letters_retried", "Dead letters sent again", changes)
    return count


async def dismiss_letters(session: Session, *, actor: Actor, forward_id: UUID, letter_id: UUID | None = None) -> int:
    """Forget a dead letter, or all of them: the statements stay here and are not there. Returns how many.

    Those that are to be sent again stay, unless one is named. Raises LetterNotFoundError.
    """
    forward, _ = await _to_run(session, actor, forward_id)
    wanted = delete(XapiForwardLetter).where(XapiForwardLetter.forward_id == forward_id)
    of_these = XapiForwardLetter.again_at.is_(None) if letter_id is None else XapiForwardLetter.id == letter_id
    gone = (await session.scalars(wanted.where(of_these).returning(XapiForwardLetter.statement_id))).all()
    if letter_id is not None and not gone:
        raise LetterNotFoundError
    if gone:
        changes = {"letters": len(gone)} if letter_id is None else {"statement": gone[0]}
        _record(session, actor, forward, "xapi_forward.letters_dismissed", "Dead letters dismissed", changes)
    return len(gone)


async def remove_forward(session: Session, *, actor: Actor, forward_id: UUID) -> None:
    """Remove a forward with its credentials, its figures and its dead letters; what was sent stays there."""
    forward = await _forward(session, actor, forward_id)
    require(policy.can_manage(actor, forward.institution_id), actor, policy.MANAGERS_ONLY)
    changes = {"endpoint": forward.endpoint}
    _record(session, actor, forward, "xapi_forward.removed", "Forward removed", changes)
    await session.delete(forward)
    await session.flush()


async def _forward(session: Session, actor: Actor, forward_id: UUID) -> XapiForward:
    require(policy.can_see_forwards(actor), actor, policy.RUNNERS_ONLY)
    seen = select(XapiForward).where(XapiForward.id == forward_id, policy.forwards_visible_to(actor))
    forward = (await session.execute(seen)).scalar_one_or_none()
    if forward is None:
        raise ForwardNotFoundError
    return forward


async def _to_run(session: Session, actor: Actor, forward_id: UUID) -> tuple[XapiForward, XapiForwardProgress]:
    """A forward and its progress, locked: the worker writes to the same row."""
    forward = await _forward(session, actor, forward_id)
    locked = select(XapiForwardProgress).where(XapiForwardProgress.forward_id == forward_id).with_for_update()
    return forward, (await session.execute(locked.execution_options(populate_existing=True))).scalar_one()


def _try_now(progress: XapiForwardProgress) -> None:
    progress.attempts, progress.next_attempt_at, progress.refused_in_row = 0, None, 0


async def _checked(
    session: Session, settings: Settings, wanted: ForwardWanted, institution_id: UUID | None, *, needs_credentials: bool
) -> tuple[str, str]:
    """The name and the address as they are kept; InvalidInputError names every field that is wrong."""
    faults: list[FieldError] = []
    name, endpoint = wanted.name.strip(), ""
    if not name or len(name) > LONGEST_NAME or not _NAME(name):
        faults.append(FieldError("name", f"Please give a name of 1 to {LONGEST_NAME} characters, in one line."))
    try:
        endpoint = checked_endpoint(wanted.endpoint, settings)
    except ValueError as error:
        faults.append(FieldError("endpoint", str(error)))
    faults += _credential_faults(wanted.key, wanted.secret, needed=needs_credentials)
    if wanted.filter.senders:
        ours = select(func.count()).where(Sender.id.in_(wanted.filter.senders))
        if institution_id is not None:
            ours = ours.where(Sender.institution_id == institution_id)
        if (await session.execute(ours)).scalar_one() != len(set(wanted.filter.senders)):
            faults.append(FieldError("senders", "Please choose senders of the institution."))
    if faults:
        raise InvalidInputError(errors=faults)
    return name, endpoint


def _credential_faults(key: str | None, secret: str | None, *, needed: bool) -> list[FieldError]:
    faults = []
    for name, value in (("key", key), ("secret", secret)):
        if value is None and (needed or key is not None or secret is not None):
            faults.append(FieldError(name, "Please give both the key and the secret for this address."))
        elif value is not None and not (1 <= len(value) <= LONGEST_CREDENTIAL and _NAME(value)):
            faults.append(FieldError(name, f"Please give 1 to {LONGEST_CREDENTIAL} characters, in one line."))
    if key is not None and ":" in key:
        faults.append(FieldError("key", "A key has no colon (RFC 7617)."))
    return faults


def _columns(wanted: ForwardFilter) -> dict[str, object]:
    return {
        "verbs": list(wanted.verbs),
        "activities": list(wanted.activities),
        "activity_types": list(wanted.activity_types),
        "sender_ids": list(wanted.senders),
        "agent_keys": list(wanted.agents),
        "registration": wanted.registration,
        "with_voiding": wanted.voiding,
        "with_references": wanted.references,
    }


def _filter_of(forward: XapiForward) -> ForwardFilter:
    return ForwardFilter(
        forward.verbs,
        forward.activities,
        forward.activity_types,
        forward.sender_ids,
        forward.agent_keys,
        forward.registration,
        forward.with_voiding,
        forward.with_references,
    )


def _counted(wanted: ForwardFilter) -> dict[str, object]:
    """What the audit says of a filter."""
    return {
        "verbs": list(wanted.verbs),
        "activities": list(wanted.activities),
        "activity_types": list(wanted.activity_types),
        "senders": sorted(map(str, wanted.senders)),
        "agents": len(wanted.agents),
        "registration": wanted.registration is not None,
        "voiding": wanted.voiding,
        "references": wanted.references,
    }


def _record(
    session: Session,
    actor: Actor,
    forward: XapiForward,
    action: str,
    summary: str,
    changes: Mapping[str, object] | None = None,
) -> None:
    subject = Subject("xapi_forward", forward.id, forward.institution_id)
    record(session, actor=actor, action=action, subject=subject, summary=summary, changes=changes)
