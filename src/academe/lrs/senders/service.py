"""Verbs of senders: add one, revoke it, give it another secret; only what a verb returns ever holds a secret."""

import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from academe.lrs.senders import policy
from academe.lrs.senders.errors import SenderKeyInUseError, SenderNotFoundError, SenderRevokedError
from academe.lrs.senders.models import Sender
from academe.lrs.senders.scopes import DEFAULT_SCOPES, in_order
from academe.lrs.senders.secret import hashed, is_key, new_secret
from academe.lrs.senders.types import Scope
from academe.lrs.xapi import agents
from academe.lrs.xapi.faults import Refusal
from academe.lrs.xapi.identity import key_of
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError

LONGEST_NAME: Final = 200
"""Characters of a sender's name."""

_ANY: Final = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*"
NAME_PATTERN: Final = rf"^{_ANY}[^\s\x00-\x1f\x7f-\x9f\u2028\u2029]{_ANY}$"
"""Form of a name: one line without control characters, and not only spaces."""

_NAME: Final = re.compile(NAME_PATTERN).fullmatch
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]").search

_LONGEST_WORD: Final = 40
_SYSTEM_ONLY: Final = "Another authority than its account can be given to a sender only on the command line."


@dataclass(frozen=True, slots=True)
class Issued:
    """A sender with its secret in clear, which can be shown this once and never again."""

    sender: Sender
    secret: str


async def create_sender(
    session: Session,
    *,
    actor: Actor,
    name: str,
    home_page: str,
    scopes: Collection[Scope] = DEFAULT_SCOPES,
    institution_id: UUID | None = None,
    key: str | None = None,
    authority: Mapping[str, Any] | None = None,
    expires_at: datetime | None = None,
) -> Issued:
    """Let a program send. Its statements stand in the name of the account `key` at `home_page`, an IRL.

    Without `key`, one is made of the name. Another `authority`, an Agent, can be given by the system only: it decides
    what "own statements" are. Raises PermissionDeniedError, InvalidInputError and SenderKeyInUseError.
    """
    policy.require(policy.can_manage(actor, institution_id), actor, policy.MANAGERS_ONLY)
    policy.require(authority is None or actor.is_system, actor, _SYSTEM_ONLY)
    title, key = _checked_name(name), key or _key_made_of(name)
    _require_valid(key, scopes, expires_at)
    agent = _checked_authority(_account(home_page, key) if authority is None else authority)
    secret = new_secret()
    sender = Sender(
        institution_id=institution_id,
        name=title,
        key=key,
        secret_hash=hashed(secret),
        secret_version=1,
        authority=agent,
        authority_key=key_of(agent),
        scopes=[scope.value for scope in in_order(scopes)],
        created_at=clock.now(),
        expires_at=expires_at,
    )
    await _insert(session, sender)
    changes = {"key": key, "scopes": sender.scopes, "authority": sender.authority_key, "expires_at": expires_at}
    _record(session, actor, sender, "xapi_sender.created", f"Sender {key} added", changes)
    return Issued(sender, secret)


async def revoke_sender(session: Session, *, actor: Actor, sender_id: UUID) -> Sender:
    """Let a program send no more, for ever; done twice, it stays as it was.

    Server processes believe in the credentials for up to 30 seconds. Raises SenderNotFoundError, PermissionDeniedError.
    """
    sender = await _sender_to_change(session, actor, sender_id)
    if sender.revoked_at is None:
        sender.revoked_at = clock.now()
        await session.flush()
        _record(session, actor, sender, "xapi_sender.revoked", f"Sender {sender.key} revoked")
    return sender


async def rotate_secret(session: Session, *, actor: Actor, sender_id: UUID) -> Issued:
    """Give a sender another secret; the one before, and every token it was given, are worth nothing 30 seconds later.

    Raises SenderNotFoundError, PermissionDeniedError and SenderRevokedError.
    """
    sender = await _sender_to_change(session, actor, sender_id)
    if sender.revoked_at is not None:
        raise SenderRevokedError
    secret = new_secret()
    sender.secret_hash = hashed(secret)
    sender.secret_version += 1
    await session.flush()
    version = [sender.secret_version - 1, sender.secret_version]
    said = f"Sender {sender.key} given another secret"
    _record(session, actor, sender, "xapi_sender.secret_rotated", said, {"secret_version": version})
    return Issued(sender, secret)


async def _insert(session: Session, sender: Sender) -> None:
    try:
        async with session.begin_nested():
            session.add(sender)
    except IntegrityError as error:
        raise SenderKeyInUseError from error


async def _sender_to_change(session: Session, actor: Actor, sender_id: UUID) -> Sender:
    policy.require(policy.can_see_senders(actor), actor, policy.MANAGERS_ONLY)
    seen = select(Sender).where(Sender.id == sender_id, policy.senders_visible_to(actor))
    sender = (await session.execute(seen)).scalar_one_or_none()
    if sender is None:
        raise SenderNotFoundError
    policy.require(policy.can_manage(actor, sender.institution_id), actor, policy.MANAGERS_ONLY)
    # Locked only now: whoever may see and not change a row may not lock it either.
    locked = select(Sender).where(Sender.id == sender_id).with_for_update().execution_options(populate_existing=True)
    return (await session.execute(locked)).scalar_one()


def _checked_name(name: str) -> str:
    title = name.strip()
    if len(title) > LONGEST_NAME or _NAME(title) is None or _SURROGATE(title):
        message = f"Please give a name of 1 to {LONGEST_NAME} characters, in one line."
        raise InvalidInputError(errors=[FieldError("name", message)])
    return title


def _require_valid(key: str, scopes: Collection[Scope], expires_at: datetime | None) -> None:
    faults = []
    if not is_key(key):
        message = "Please use 3 to 64 letters, digits, points, hyphens, underscores and tildes, beginning with one"
        faults.append(FieldError("key", f"{message} of the first two."))
    if not scopes:
        faults.append(FieldError("scopes", "Please choose at least one."))
    if expires_at is not None and expires_at <= clock.now():
        faults.append(FieldError("expires_at", "Please give a time that is still to come."))
    if faults:
        raise InvalidInputError(errors=faults)


def _account(home_page: str, key: str) -> dict[str, Any]:
    return {"objectType": "Agent", "account": {"homePage": home_page, "name": key}}


def _checked_authority(authority: Mapping[str, Any]) -> dict[str, Any]:
    agent = dict(authority)
    try:
        agents.agent(agent)
    except Refusal as refusal:
        fault = FieldError("authority" + refusal.pointer().replace("/", "."), refusal.message)
        raise InvalidInputError(errors=[fault]) from refusal
    return agent


def _key_made_of(name: str) -> str:
    """A key that people recognise and nobody else has."""
    word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST_WORD].rstrip("-")
    return f"{word or 'sender'}-{secrets.token_hex(4)}"


def _record(
    session: Session,
    actor: Actor,
    sender: Sender,
    action: str,
    summary: str,
    changes: Mapping[str, object] | None = None,
) -> None:
    subject = Subject("xapi_sender", sender.id, sender.institution_id)
    record(session, actor=actor, action=action, subject=subject, summary=summary, changes=changes)
