"""Verbs of tokens and service accounts. What opens something is returned once and kept as a hash."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, update

from academe.identity import policy
from academe.identity.service import create_person
from academe.identity.sign_in.actors import forget_actors
from academe.identity.sign_in.renewal import token_hash
from academe.identity.sign_in.sessions import about_account, account_of, require_recent
from academe.identity.tokens.errors import (
    GrantRefusedError,
    ServiceAccountNotFoundError,
    TokenNotFoundError,
    TooManyTokensError,
)
from academe.identity.tokens.models import LONGEST_NAME, ApiToken, ServiceAccount
from academe.identity.tokens.queries import tokens_of
from academe.identity.tokens.scopes import allows, checked
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, Session
from academe.platform.errors import FieldError, InvalidInputError

MOST_TOKENS: Final = 50
LONGEST_DAYS: Final = 366
GRANTED_FOR: Final = timedelta(hours=1)
GRANTING: Final[Actor] = system_actor("give a service account a token")
_ONLY: Final = "Only administrators may manage service accounts."


@dataclass(frozen=True, slots=True)
class Issued:
    """A token or secret just made, with the id of what it belongs to. `secret` exists nowhere else."""

    id: UUID
    secret: str


@dataclass(frozen=True, slots=True)
class Granted:
    """What the token endpoint gives: a token, for how many seconds, and for which scopes."""

    token: str
    seconds: int
    scopes: Sequence[str]


async def create_token(
    session: Session, *, actor: Actor, name: str, scopes: Collection[str], areas: Collection[str], days: int
) -> Issued:
    """A token that acts for the actor for some days. Raises RecentSignInRequiredError, so no token makes another.

    Raises InvalidInputError and TooManyTokensError.
    """
    account = await account_of(session, actor)
    await require_recent(session, actor)
    called, wanted = _checked_name(name), checked(scopes, areas)
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidInputError(errors=[FieldError("days", f"Please give 1 to {LONGEST_DAYS} days.")])
    if len(await tokens_of(session, account.person_id)) >= MOST_TOKENS:
        raise TooManyTokensError
    issued = await _issue(session, account.person_id, called, wanted, timedelta(days=days))
    changes = {"name": called, "scopes": wanted, "days": days}
    summary = f"Token {called} made"
    record(
        session, actor=actor, action="token.created", subject=about_account(account), summary=summary, changes=changes
    )
    return issued


async def revoke_token(session: Session, *, actor: Actor, token_id: UUID) -> None:
    """End one of the actor's own tokens. Raises TokenNotFoundError."""
    account = await account_of(session, actor)
    own = (ApiToken.id == token_id, ApiToken.person_id == account.person_id, ApiToken.revoked_at.is_(None))
    ended = await session.execute(update(ApiToken).where(*own).values(revoked_at=clock.now()).returning(ApiToken.name))
    name = ended.scalar_one_or_none()
    if name is None:
        raise TokenNotFoundError
    forget_actors(session)
    summary = f"Token {name} revoked"
    record(session, actor=actor, action="token.revoked", subject=about_account(account), summary=summary)


async def create_service_account(
    session: Session, *, actor: Actor, institution_id: UUID, name: str, scopes: Collection[str], areas: Collection[str]
) -> Issued:
    """Make a program known to an institution; what it may do are the roles that it is given.

    Raises InvalidInputError.
    """
    policy.require(policy.can_manage_accounts(actor, institution_id), actor, _ONLY)
    called, wanted = _checked_name(name), checked(scopes, areas)
    person = await create_person(session, actor=actor, institution_id=institution_id, display_name=called)
    secret = secrets.token_urlsafe(32)
    account = ServiceAccount(person_id=person.id, institution_id=institution_id, scopes=wanted)
    account.secret_hash = token_hash(secret)
    session.add(account)
    await session.flush()
    _record(session, actor, account, "service_account.created", f"Service account {called} made", {"scopes": wanted})
    return Issued(person.id, secret)


async def rotate_secret(session: Session, *, actor: Actor, service_account_id: UUID) -> Issued:
    """Give a service account another secret and end its tokens. Raises ServiceAccountNotFoundError."""
    account = await service_account_for(session, actor=actor, service_account_id=service_account_id)
    secret = secrets.token_urlsafe(32)
    account.secret_hash = token_hash(secret)
    await _end_tokens(session, account.person_id)
    _record(session, actor, account, "service_account.rotated", "Service account has a new secret")
    return Issued(account.person_id, secret)


async def revoke_service_account(session: Session, *, actor: Actor, service_account_id: UUID) -> None:
    """End a service account and its tokens for good. Raises ServiceAccountNotFoundError."""
    account = await service_account_for(session, actor=actor, service_account_id=service_account_id)
    account.revoked_at = clock.now()
    await _end_tokens(session, account.person_id)
    _record(session, actor, account, "service_account.revoked", "Service account revoked")


async def service_account_for(session: Session, *, actor: Actor, service_account_id: UUID) -> ServiceAccount:
    """A service account that the actor manages. Raises ServiceAccountNotFoundError."""
    policy.require(actor.is_system or policy.decides_sign_in(actor), actor, _ONLY)
    account = await session.get(ServiceAccount, service_account_id)
    is_theirs = account is not None and policy.can_manage_accounts(actor, account.institution_id)
    if account is None or not is_theirs or account.revoked_at is not None:
        raise ServiceAccountNotFoundError
    return account


async def grant_token(database: Database, *, client_id: str, secret: str, scopes: Collection[str]) -> Granted:
    """A token of an hour for the secret of a service account, for all of its scopes or for those asked for.

    Raises GrantRefusedError.
    """
    try:
        account_id = UUID(client_id)
    except ValueError as error:
        raise _refused() from error
    async with database.transaction(GRANTING) as session:
        known = (
            ServiceAccount.person_id == account_id,
            ServiceAccount.secret_hash == token_hash(secret),
            ServiceAccount.revoked_at.is_(None),
        )
        account = (await session.execute(select(ServiceAccount).where(*known))).scalar_one_or_none()
        if account is None:
            raise _refused()
        wanted = sorted(set(scopes)) or list(account.scopes)
        if not all(_within(scope, account.scopes) for scope in wanted):
            raise GrantRefusedError("invalid_scope", "A scope is asked for that the service account does not hold.")
        account.last_used_at = clock.now()
        over = (ApiToken.person_id == account_id, ApiToken.expires_at < clock.now())
        await session.execute(delete(ApiToken).where(*over))
        issued = await _issue(session, account_id, "OAuth 2", wanted, GRANTED_FOR)
    return Granted(issued.secret, int(GRANTED_FOR.total_seconds()), wanted)


def _within(scope: str, held: Sequence[str]) -> bool:
    """Whether a scope is one that is held, or a part of it."""
    if scope in {"read", "write"}:
        return "write" in held or scope in held
    return allows(held, scope)


def _refused() -> GrantRefusedError:
    return GrantRefusedError("invalid_client", "There is no service account with this id and secret.")


async def _issue(session: Session, person_id: UUID, name: str, scopes: Sequence[str], lifetime: timedelta) -> Issued:
    text = f"academe_{secrets.token_urlsafe(32)}"
    token = ApiToken(person_id=person_id, name=name, token_hash=token_hash(text), scopes=list(scopes))
    token.expires_at = clock.now() + lifetime
    session.add(token)
    await session.flush()
    return Issued(token.id, text)


async def _end_tokens(session: Session, person_id: UUID) -> None:
    open_ones = (ApiToken.person_id == person_id, ApiToken.revoked_at.is_(None))
    await session.execute(update(ApiToken).where(*open_ones).values(revoked_at=clock.now()))
    forget_actors(session)


def _checked_name(name: str) -> str:
    called = name.strip()
    if not 1 <= len(called) <= LONGEST_NAME or not called.isprintable():
        raise InvalidInputError(errors=[FieldError("name", f"Please give a name of 1 to {LONGEST_NAME} characters.")])
    return called


def _record(
    session: Session,
    actor: Actor,
    account: ServiceAccount,
    action: str,
    summary: str,
    changes: dict[str, object] | None = None,
) -> None:
    subject = Subject("service_account", account.person_id, account.institution_id, account.person_id)
    record(session, actor=actor, action=action, subject=subject, summary=summary, changes=changes)
