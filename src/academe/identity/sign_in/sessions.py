"""Sessions: what a signed-in browser holds, how it is opened, and how it ends."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, delete, select, true, update
from sqlalchemy.orm import joinedload

from academe.identity.errors import MasqueradeRefusedError, RecentSignInRequiredError, SessionNotFoundError
from academe.identity.models import Account, AccountSession
from academe.identity.sign_in.actors import forget_actors
from academe.identity.sign_in.models import SignInLink, UnfinishedSignIn
from academe.identity.sign_in.renewal import opened_by, token_hash
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError

RECENT: Final = timedelta(minutes=15)
"""How long after signing in a browser may change how its holder signs in."""

_LONGEST_USER_AGENT: Final = 300


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session just opened. `token` goes into the cookie and exists nowhere else."""

    token: str
    session_id: UUID
    person_id: UUID
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a sign-in provider has said of a browser: under which identity, in which session of its own, and whether it
    has asked for a second factor and is believed.
    """

    identity_id: UUID
    provider_session: str | None
    second_factor: bool


async def sign_out(session: Session, *, actor: Actor) -> None:
    """End the session that the actor acts in; whoever is not signed in has nothing to end."""
    if actor.session_id is not None:
        await end_session(session, actor=actor, session_id=actor.session_id)


async def end_session(session: Session, *, actor: Actor, session_id: UUID) -> None:
    """End one of the actor's own sessions; raises SessionNotFoundError when it is not theirs or is over."""
    account = await account_of(session, actor)
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
    record(session, actor=actor, action="session.ended", subject=about_account(account), summary="Session ended")
    forget_actors(session)


async def end_other_sessions(session: Session, *, actor: Actor) -> int:
    """End every session of the actor but the present one; returns how many."""
    account = await account_of(session, actor)
    count = await end_sessions(session, account.id, keep=actor.session_id)
    summary = f"Other sessions ended: {count}"
    record(session, actor=actor, action="session.others_ended", subject=about_account(account), summary=summary)
    return count


async def open_session(
    session: Session,
    account_id: UUID,
    *,
    means: str,
    lifetime: timedelta,
    user_agent: str,
    renewed_hash: str | None = None,
    replaces: str | None = None,
    vouched: Vouched | None = None,
) -> OpenedSession:
    """Sign somebody in who has shown by `means` who they are ("password"); `replaces` as in `end_replaced`."""
    if replaces:
        await end_replaced(session, replaces)
    account = (await session.execute(with_person().where(Account.id == account_id))).scalar_one()
    account.last_signed_in_at = clock.now()
    if renewed_hash is not None:
        account.password_hash = renewed_hash
    actor = system_actor("sign in")
    subject = about_account(account)
    record(session, actor=actor, action="account.signed_in", subject=subject, summary=f"Signed in with {means}")
    return await add_session(session, account, lifetime=lifetime, user_agent=user_agent, vouched=vouched)


async def add_session(
    session: Session, account: Account, *, lifetime: timedelta, user_agent: str, vouched: Vouched | None = None
) -> OpenedSession:
    """A new session for one browser."""
    token = secrets.token_urlsafe(32)
    opened = AccountSession(
        account_id=account.id,
        token_hash=token_hash(token),
        created_at=clock.now(),
        last_seen_at=clock.now(),
        expires_at=clock.now() + lifetime,
        user_agent=user_agent[:_LONGEST_USER_AGENT],
    )
    if vouched is not None:
        opened.identity_id, opened.provider_session = vouched.identity_id, vouched.provider_session
        opened.factor_vouched = vouched.second_factor
    session.add(opened)
    await session.flush()
    return OpenedSession(token, opened.id, account.person_id, lifetime)


async def end_sessions(session: Session, account_id: UUID, *, keep: UUID | None) -> int:
    """End every session of an account, but for `keep`; returns how many."""
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


async def end_access(session: Session, account_id: UUID) -> None:
    """End all that a password or a link has opened so far: sessions, second steps that wait, links not yet used."""
    await end_sessions(session, account_id, keep=None)
    for table in (UnfinishedSignIn, SignInLink):
        await session.execute(delete(table).where(table.account_id == account_id))


async def end_replaced(session: Session, token: str) -> None:
    """A browser has one session: what it held before must not live on beside the new one."""
    ended = update(AccountSession).where(opened_by(token_hash(token)), AccountSession.revoked_at.is_(None))
    await session.execute(ended.values(revoked_at=clock.now()))
    forget_actors(session)


async def signed_in_recently(session: Session | ReadSession, actor: Actor) -> bool:
    """Whether the actor's browser signed in a short while ago, so that it is still the same person who sits there."""
    opened = select(AccountSession.created_at).where(AccountSession.id == actor.session_id)
    created_at = (await session.execute(opened)).scalar_one_or_none()
    return created_at is not None and created_at > clock.now() - RECENT


async def require_recent(session: Session, actor: Actor) -> None:
    """Raise RecentSignInRequiredError unless `signed_in_recently`; before a change of how somebody signs in."""
    if not await signed_in_recently(session, actor):
        raise RecentSignInRequiredError


def with_person() -> Select[Account]:
    """Accounts, each with its person."""
    return select(Account).options(joinedload(Account.person))


async def account_of(session: Session, actor: Actor) -> Account:
    """The actor's account, before something about it changes; whoever has none is not signed in.

    Raises MasqueradeRefusedError for an administrator who acts as the actor.
    """
    if actor.masquerader_id is not None:
        raise MasqueradeRefusedError
    found = await session.execute(with_person().where(Account.person_id == actor.person_id))
    account = found.scalar_one_or_none()
    if account is None:
        raise AuthenticationRequiredError
    return account


def about_account(account: Account) -> Subject:
    """The subject of audit entries about an account."""
    return Subject("account", account.id, account.person.institution_id, account.person_id)
