"""Verbs of accounts and sessions."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from academe.identity import policy
from academe.identity.addresses import checked_address
from academe.identity.errors import (
    AddressInUseError,
    PersonNotFoundError,
    SessionNotFoundError,
    SignInRefusedError,
    WrongPasswordError,
)
from academe.identity.models import Account, AccountSession, Person
from academe.identity.queries import has_email
from academe.identity.sign_in.actors import forget_actors, token_hash
from academe.identity.sign_in.passwords import hashed, require_acceptable, verified
from academe.identity.sign_in.throttle import AttemptThrottle
from academe.identity.types import PersonStatus
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, Session
from academe.platform.errors import AuthenticationRequiredError
from academe.platform.logging import get_logger

_log = get_logger()
_LONGEST_USER_AGENT = 300


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session just opened. `token` goes into the cookie and exists nowhere else."""

    token: str
    session_id: UUID
    person_id: UUID
    lifetime: timedelta


async def create_account(
    session: Session, *, actor: Actor, person_id: UUID, email: str, password: str | None = None
) -> Account:
    """Let a person sign in with an address; without a password they cannot until one is set.

    Raises PersonNotFoundError, InvalidInputError (not an address), WeakPasswordError, AddressInUseError.
    """
    policy.require(not actor.is_anonymous, actor, "")
    person = await session.get(Person, person_id)
    if person is None:
        raise PersonNotFoundError
    permitted = policy.can_manage_accounts(actor, person.institution_id)
    policy.require(permitted, actor, "Only administrators may make accounts.")
    address = checked_address(email)
    if password is not None:
        require_acceptable(password, email=address)
    stored = await hashed(password) if password is not None else None
    account = Account(person_id=person.id, email=address, password_hash=stored)
    try:
        async with session.begin_nested():
            session.add(account)
    except IntegrityError as error:
        raise AddressInUseError from error
    subject = Subject("account", account.id, person.institution_id, person.id)
    record(session, actor=actor, action="account.created", subject=subject, summary="Account made")
    return account


async def sign_in(
    database: Database,
    *,
    throttle: AttemptThrottle,
    email: str,
    password: str,
    network: str,
    user_agent: str = "",
    replaces: str | None = None,
) -> OpenedSession:
    """Check address and password and open a session; `replaces` is the token of this browser's present session.

    Raises SignInRefusedError, always after the same work whatever is wrong, and TooManyAttemptsError.
    """
    throttle.check(email, network)
    async with database.transaction(system_actor("sign in")) as session:
        account = await _who_may_sign_in(session, email)
    right, renewed = await verified(password, account.password_hash if account else None)
    if account is None or not right:
        throttle.failed(email, network)
        _log.info("sign_in.refused")
        raise SignInRefusedError
    throttle.succeeded(email, network)
    lifetime = timedelta(hours=database.settings.session_absolute_hours)
    async with database.transaction(system_actor("sign in")) as session:
        if replaces:
            await _end_replaced(session, replaces)
        return await _open(session, account.id, renewed, lifetime=lifetime, user_agent=user_agent)


async def _who_may_sign_in(session: Session, email: str) -> Account | None:
    found = await session.execute(
        select(Account)
        .join(Person, Person.id == Account.person_id)
        .where(has_email(email), Account.is_active, Person.status == PersonStatus.ACTIVE)
    )
    return found.scalar_one_or_none()


async def sign_out(session: Session, *, actor: Actor) -> None:
    """End the session that the actor acts in; whoever is not signed in has nothing to end."""
    if actor.session_id is not None:
        await end_session(session, actor=actor, session_id=actor.session_id)


async def end_session(session: Session, *, actor: Actor, session_id: UUID) -> None:
    """End one of the actor's own sessions; raises SessionNotFoundError when it is not theirs or is over."""
    account = await _own_account(session, actor)
    ended = await session.execute(
        update(AccountSession)
        .where(
            AccountSession.id == session_id,
            AccountSession.account_id == account.id,
            AccountSession.revoked_at.is_(None),
        )
        .values(revoked_at=clock.now())
        .returning(AccountSession.id)
    )
    if ended.scalar_one_or_none() is None:
        raise SessionNotFoundError
    record(session, actor=actor, action="session.ended", subject=_about(account), summary="Session ended")
    forget_actors(session)


async def end_other_sessions(session: Session, *, actor: Actor) -> int:
    """End every session of the actor but the present one; returns how many."""
    account = await _own_account(session, actor)
    count = await _end_sessions(session, account.id, keep=actor.session_id)
    summary = f"Other sessions ended: {count}"
    record(session, actor=actor, action="session.others_ended", subject=_about(account), summary=summary)
    return count


async def change_password(
    session: Session, *, actor: Actor, present: str, new: str, lifetime: timedelta, user_agent: str = ""
) -> OpenedSession:
    """Replace the actor's password, end all their sessions, and open a new one for the browser that asked.

    Raises WrongPasswordError and WeakPasswordError.
    """
    account = await _own_account(session, actor)
    right, _ = await verified(present, account.password_hash)
    if not right:
        raise WrongPasswordError
    require_acceptable(new, email=account.email, field="new_password")
    account.password_hash = await hashed(new)
    await _end_sessions(session, account.id, keep=None)
    record(session, actor=actor, action="account.password_changed", subject=_about(account), summary="Password changed")
    return await _add_session(session, account, lifetime=lifetime, user_agent=user_agent)


async def set_password(session: Session, *, actor: Actor, account_id: UUID, password: str) -> None:
    """Give an account a new password and end its sessions; for the operator (the demo, a forgotten password)."""
    policy.require(actor.is_system, actor, "Only the operator of Academe may set the password of somebody else.")
    account = (await session.execute(_with_person().where(Account.id == account_id))).scalar_one()
    require_acceptable(password, email=account.email)
    account.password_hash = await hashed(password)
    await _end_sessions(session, account.id, keep=None)
    summary = "Password set by the operator"
    record(session, actor=actor, action="account.password_set", subject=_about(account), summary=summary)


async def _open(
    session: Session, account_id: UUID, renewed_hash: str | None, *, lifetime: timedelta, user_agent: str
) -> OpenedSession:
    account = (await session.execute(_with_person().where(Account.id == account_id))).scalar_one()
    account.last_signed_in_at = clock.now()
    if renewed_hash is not None:
        account.password_hash = renewed_hash
    actor = system_actor("sign in")
    record(session, actor=actor, action="account.signed_in", subject=_about(account), summary="Signed in")
    return await _add_session(session, account, lifetime=lifetime, user_agent=user_agent)


async def _add_session(session: Session, account: Account, *, lifetime: timedelta, user_agent: str) -> OpenedSession:
    token = secrets.token_urlsafe(32)
    opened = AccountSession(
        account_id=account.id,
        token_hash=token_hash(token),
        created_at=clock.now(),
        last_seen_at=clock.now(),
        expires_at=clock.now() + lifetime,
        user_agent=user_agent[:_LONGEST_USER_AGENT],
    )
    session.add(opened)
    await session.flush()
    return OpenedSession(token, opened.id, account.person_id, lifetime)


async def _end_sessions(session: Session, account_id: UUID, *, keep: UUID | None) -> int:
    ended = await session.execute(
        update(AccountSession)
        .where(
            AccountSession.account_id == account_id,
            AccountSession.revoked_at.is_(None),
            AccountSession.id != keep if keep is not None else true(),
        )
        .values(revoked_at=clock.now())
        .returning(AccountSession.id)
    )
    forget_actors(session)
    return len(ended.scalars().all())


async def _end_replaced(session: Session, token: str) -> None:
    """A browser has one session: what it held before must not live on beside the new one."""
    ended = update(AccountSession).where(
        AccountSession.token_hash == token_hash(token), AccountSession.revoked_at.is_(None)
    )
    await session.execute(ended.values(revoked_at=clock.now()))
    forget_actors(session)


def _with_person() -> Select[Account]:
    return select(Account).options(joinedload(Account.person))


async def _own_account(session: Session, actor: Actor) -> Account:
    """The actor's account; whoever has none is not signed in."""
    found = await session.execute(_with_person().where(Account.person_id == actor.person_id))
    account = found.scalar_one_or_none()
    if account is None:
        raise AuthenticationRequiredError
    return account


def _about(account: Account) -> Subject:
    return Subject("account", account.id, account.person.institution_id, account.person_id)
