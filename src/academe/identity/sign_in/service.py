"""Verbs of accounts and sessions."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from academe.identity import policy
from academe.identity.addresses import checked_address
from academe.identity.errors import (
    AddressInUseError,
    PersonNotFoundError,
    SignInRefusedError,
    WrongPasswordError,
)
from academe.identity.facts import SignInChange, SignInChanged
from academe.identity.models import Account, Person
from academe.identity.queries import has_email
from academe.identity.sign_in.breached import BreachedPasswords
from academe.identity.sign_in.passwords import hashed, require_acceptable, verified
from academe.identity.sign_in.queries import has_second_factor
from academe.identity.sign_in.sessions import (
    OpenedSession,
    about_account,
    account_of,
    add_session,
    end_access,
    open_session,
    with_person,
)
from academe.identity.sign_in.throttle import AttemptThrottle
from academe.identity.sign_in.unfinished import SecondStep, begin_second_step
from academe.identity.types import PersonStatus
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, Session
from academe.platform.logging import get_logger
from academe.platform.outbox.service import announce

_log = get_logger()


async def create_account(session: Session, *, actor: Actor, person_id: UUID, email: str) -> Account:
    """Give a person an account with an address; they cannot sign in until a password or another way is set up.

    Raises PersonNotFoundError, InvalidInputError (not an address), AddressInUseError.
    """
    policy.require(not actor.is_anonymous, actor, "")
    person = await session.get(Person, person_id)
    if person is None:
        raise PersonNotFoundError
    permitted = policy.can_manage_accounts(actor, person.institution_id)
    policy.require(permitted, actor, "Only administrators may make accounts.")
    address = checked_address(email)
    account = Account(person_id=person.id, email=address)
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
) -> OpenedSession | SecondStep:
    """Check address and password and open a session; `replaces` is the token of this browser's present session.

    Whoever has a second factor is asked for it first: then a SecondStep comes back, which opens nothing yet.
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
        if await has_second_factor(session, account.id):
            return await begin_second_step(session, account.id)
        return await open_session(
            session,
            account.id,
            means="password",
            lifetime=lifetime,
            user_agent=user_agent,
            renewed_hash=renewed,
            replaces=replaces,
        )


async def _who_may_sign_in(session: Session, email: str) -> Account | None:
    found = await session.execute(
        select(Account)
        .join(Person, Person.id == Account.person_id)
        .where(has_email(email), Account.is_active, Person.status == PersonStatus.ACTIVE)
    )
    return found.scalar_one_or_none()


async def change_password(
    session: Session,
    *,
    actor: Actor,
    present: str,
    new: str,
    breached: BreachedPasswords,
    lifetime: timedelta,
    user_agent: str = "",
) -> OpenedSession:
    """Replace the actor's password, end all their sessions, and open a new one for the browser that asked.

    Raises WrongPasswordError and WeakPasswordError.
    """
    account = await account_of(session, actor)
    right, _ = await verified(present, account.password_hash)
    if not right:
        raise WrongPasswordError
    await require_acceptable(new, email=account.email, breached=breached, field="new_password")
    account.password_hash = await hashed(new)
    await end_access(session, account.id)
    record(
        session,
        actor=actor,
        action="account.password_changed",
        subject=about_account(account),
        summary="Password changed",
    )
    await announce(session, SignInChanged(account.person_id, SignInChange.PASSWORD_CHANGED))
    return await add_session(session, account, lifetime=lifetime, user_agent=user_agent)


async def set_password(
    session: Session, *, actor: Actor, account_id: UUID, password: str, breached: BreachedPasswords
) -> None:
    """Give an account a new password and end its sessions; for the operator (the demo, a forgotten password)."""
    policy.require(actor.is_system, actor, "Only the operator of Academe may set the password of somebody else.")
    account = (await session.execute(with_person().where(Account.id == account_id))).scalar_one()
    await require_acceptable(password, email=account.email, breached=breached)
    account.password_hash = await hashed(password)
    await end_access(session, account.id)
    summary = "Password set by the operator"
    record(session, actor=actor, action="account.password_set", subject=about_account(account), summary=summary)
