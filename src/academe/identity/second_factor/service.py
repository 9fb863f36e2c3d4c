"""Verbs of the second factor. All but the second step of signing in need a browser that signed in recently."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from academe.identity import policy
from academe.identity.errors import AccountNotFoundError, FactorStateError, WrongCodeError
from academe.identity.facts import SignInChange, SignInChanged
from academe.identity.models import Account
from academe.identity.second_factor.codes import as_typed, code_hash, new_codes
from academe.identity.second_factor.totp import accepted_step, new_secret
from academe.identity.service import known_person
from academe.identity.sign_in.actors import forget_actors
from academe.identity.sign_in.models import Passkey, RecoveryCode, SecondFactorRule, TotpFactor
from academe.identity.sign_in.queries import has_second_factor, roles_in_need
from academe.identity.sign_in.sessions import (
    OpenedSession,
    about_account,
    account_of,
    add_session,
    end_sessions,
    open_session,
    require_recent,
    with_person,
)
from academe.identity.sign_in.throttle import AttemptThrottle
from academe.identity.sign_in.unfinished import unfinished, vouched_for
from academe.identity.types import SIGNING_IN, Role
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.outbox.service import announce


@dataclass(frozen=True, slots=True)
class AddedApp:
    """An app that now counts: its recovery codes, which nobody can show again, and this browser's new session."""

    codes: list[str]
    opened: OpenedSession


async def begin_app(session: Session, *, actor: Actor) -> str:
    """Make the secret for the actor's app, in place of one that no code has confirmed yet; returns it.

    Raises FactorStateError when an app counts already, RecentSignInRequiredError.
    """
    account = await account_of(session, actor)
    await require_recent(session, actor)
    factor = await session.get(TotpFactor, account.id)
    if factor is None:
        factor = TotpFactor(account_id=account.id)
        session.add(factor)
    elif factor.confirmed_at is not None:
        raise FactorStateError("You have an authenticator app already; remove it first.")
    factor.secret = new_secret()
    await session.flush()
    _leave(session, actor, account, "second_factor.begun", "Secret for an authenticator app made")
    return factor.secret


async def confirm_app(
    session: Session, *, actor: Actor, code: str, lifetime: timedelta, user_agent: str = ""
) -> AddedApp:
    """Let the app count, because it knows its code: all sessions end, and this browser gets a new one.

    Raises FactorStateError when no app waits for its code, WrongCodeError, RecentSignInRequiredError.
    """
    account = await account_of(session, actor)
    await require_recent(session, actor)
    factor = await session.get(TotpFactor, account.id, with_for_update=True)
    if factor is None or factor.confirmed_at is not None:
        raise FactorStateError("There is no authenticator app that waits for its first code.")
    step = accepted_step(factor.secret, as_typed(code), now=clock.now())
    if step is None:
        raise WrongCodeError
    factor.confirmed_at, factor.last_step = clock.now(), step
    codes = await _replace_codes(session, account.id)
    await end_sessions(session, account.id, keep=None)
    await announce_change(
        session, actor, account, SignInChange.APP_ADDED, "second_factor.added", "Authenticator app added"
    )
    return AddedApp(codes, await add_session(session, account, lifetime=lifetime, user_agent=user_agent))


async def make_codes(session: Session, *, actor: Actor) -> list[str]:
    """Ten new recovery codes in place of the old ones; returns them, for the only time.

    Raises FactorStateError for somebody without a second factor, RecentSignInRequiredError.
    """
    account = await account_of(session, actor)
    await require_recent(session, actor)
    if not await has_second_factor(session, account.id):
        raise FactorStateError("Recovery codes stand in for a second factor; add one first.")
    codes = await _replace_codes(session, account.id)
    await announce_change(
        session, actor, account, SignInChange.CODES_MADE, "recovery_codes.made", "Recovery codes made"
    )
    return codes


async def remove_app(session: Session, *, actor: Actor) -> None:
    """Take the actor's authenticator app and its recovery codes away; every other browser is signed out.

    Raises FactorStateError when there is none, RecentSignInRequiredError.
    """
    account = await account_of(session, actor)
    await require_recent(session, actor)
    gone = delete(TotpFactor).where(TotpFactor.account_id == account.id, TotpFactor.confirmed_at.is_not(None))
    if (await session.execute(gone.returning(TotpFactor.account_id))).first() is None:
        raise FactorStateError("There is no authenticator app.")
    await forget_codes_without_factor(session, account.id)
    await end_sessions(session, account.id, keep=actor.session_id)
    summary = "Authenticator app removed"
    await announce_change(session, actor, account, SignInChange.APP_REMOVED, "second_factor.removed", summary)


async def remove_factors_of(session: Session, *, actor: Actor, person_id: UUID) -> None:
    """Take the lost second factors of somebody away, and end their sessions; by administrators and the operator.

    Raises PersonNotFoundError, AccountNotFoundError, FactorStateError when there is none.
    """
    person = await known_person(session, actor, person_id)
    permitted = policy.can_manage_accounts(actor, person.institution_id)
    policy.require(permitted, actor, "Only administrators may take away lost second factors.")
    account = (await session.execute(with_person().where(Account.person_id == person.id))).scalar_one_or_none()
    if account is None:
        raise AccountNotFoundError
    if not await has_second_factor(session, account.id):
        raise FactorStateError("There is no second factor.")
    for table in (TotpFactor, Passkey, RecoveryCode):
        await session.execute(delete(table).where(table.account_id == account.id))
    await end_sessions(session, account.id, keep=None)
    summary = "Second factors removed"
    await announce_change(session, actor, account, SignInChange.FACTORS_REMOVED, "second_factor.removed", summary)


async def set_roles_in_need(
    session: Session, *, actor: Actor, institution_id: UUID, roles: Collection[Role]
) -> Sequence[Role]:
    """Decide whose sign-in needs a second factor: administrators of the institution. Returns the roles.

    Raises InvalidInputError for a role of programs.
    """
    permitted = policy.can_manage_accounts(actor, institution_id)
    policy.require(permitted, actor, "Only administrators may decide how people sign in.")
    if not set(roles) <= set(SIGNING_IN):
        raise InvalidInputError(errors=[FieldError("roles", "Programs have no second factor.")])
    before = await roles_in_need(session, institution_id)
    await session.execute(delete(SecondFactorRule).where(SecondFactorRule.institution_id == institution_id))
    session.add_all(SecondFactorRule(institution_id=institution_id, role=role) for role in set(roles))
    await session.flush()
    after = await roles_in_need(session, institution_id)
    record(
        session,
        actor=actor,
        action="sign_in.roles_in_need_changed",
        subject=Subject("org_unit", institution_id, institution_id),
        summary="Roles that need a second factor changed",
        changes={"roles": [[role.value for role in before], [role.value for role in after]]},
    )
    forget_actors(session)
    return after


async def finish_sign_in(
    database: Database,
    *,
    throttle: AttemptThrottle,
    token: str,
    code: str,
    network: str,
    user_agent: str = "",
    replaces: str | None = None,
) -> OpenedSession:
    """The second step: a code of the app or a recovery code opens the session that the password alone did not.

    Raises SignInExpiredError, WrongCodeError and TooManyAttemptsError. Guesses count for the network they come from, so
    the owner is not locked out, and five of them make the password necessary again.
    """
    opened = None
    async with database.transaction(system_actor("sign in")) as session:
        begun = await unfinished(session, token)
        account_id = begun.account_id
        throttle.check(f"code {account_id}", network)
        shown = await _shown_by(session, account_id, code)
        if shown is None:
            begun.failures += 1
        else:
            await session.delete(begun)
            means = f"{begun.means} and {shown}"
            lifetime = timedelta(hours=database.settings.session_absolute_hours)
            opened = await open_session(
                session,
                account_id,
                means=means,
                lifetime=lifetime,
                user_agent=user_agent,
                replaces=replaces,
                vouched=vouched_for(begun),
            )
    if opened is None:
        throttle.failed(f"code {account_id}", network)
        raise WrongCodeError
    throttle.succeeded(f"code {account_id}", network)
    return opened


async def _shown_by(session: Session, account_id: UUID, code: str) -> str | None:
    """What a code shows its bearer to have, and spend it; None when it is worth nothing."""
    typed = as_typed(code)
    if await _spend_app_code(session, account_id, typed):
        return "authenticator app"
    spent = (
        update(RecoveryCode)
        .where(
            RecoveryCode.account_id == account_id,
            RecoveryCode.code_hash == code_hash(typed),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.now())
        .returning(RecoveryCode.id)
    )
    if (await session.execute(spent)).first() is None:
        return None
    person_id = (await session.execute(select(Account.person_id).where(Account.id == account_id))).scalar_one()
    await announce(session, SignInChanged(person_id, SignInChange.CODE_USED))
    return "recovery code"


async def _spend_app_code(session: Session, account_id: UUID, typed: str) -> bool:
    factor = await session.get(TotpFactor, account_id)
    if factor is None or factor.last_step is None:
        return False
    step = accepted_step(factor.secret, typed, now=clock.now(), after=factor.last_step)
    if step is None:
        return False
    # The condition again: two browsers may come with the same code at the same moment.
    unspent = update(TotpFactor).where(TotpFactor.account_id == account_id, TotpFactor.last_step < step)
    taken = await session.execute(unspent.values(last_step=step).returning(TotpFactor.account_id))
    return taken.first() is not None


async def forget_codes_without_factor(session: Session, account_id: UUID) -> None:
    """Recovery codes stand in for a second factor: without one they must open nothing."""
    if not await has_second_factor(session, account_id):
        await session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))


async def _replace_codes(session: Session, account_id: UUID) -> list[str]:
    await session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    codes = new_codes()
    session.add_all(RecoveryCode(account_id=account_id, code_hash=code_hash(code)) for code in codes)
    await session.flush()
    return codes


async def announce_change(
    session: Session, actor: Actor, account: Account, change: SignInChange, action: str, summary: str
) -> None:
    """Leave the audit entry of a change, and let its owner be told."""
    _leave(session, actor, account, action, summary)
    await announce(session, SignInChanged(account.person_id, change, actor.person_id != account.person_id))


def _leave(session: Session, actor: Actor, account: Account, action: str, summary: str) -> None:
    record(session, actor=actor, action=action, subject=about_account(account), summary=summary)
