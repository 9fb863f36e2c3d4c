"""The state between the password and the second factor, bound to one browser by a cookie of its own."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from academe.identity.errors import SignInExpiredError
from academe.identity.models import Account, Person
from academe.identity.sign_in.models import UnfinishedSignIn
from academe.identity.sign_in.renewal import token_hash
from academe.identity.sign_in.sessions import Vouched
from academe.identity.types import PersonStatus
from academe.platform import clock
from academe.platform.database.session import Session

LIFETIME: Final = timedelta(minutes=10)
MOST_FAILURES: Final = 5


@dataclass(frozen=True, slots=True)
class SecondStep:
    """What the password has earned: the token for the cookie of an unfinished sign-in."""

    token: str


async def begin_second_step(
    session: Session, account_id: UUID, *, means: str = "password", vouched: Vouched | None = None
) -> SecondStep:
    """Remember what a browser has shown first."""
    await session.execute(delete(UnfinishedSignIn).where(UnfinishedSignIn.expires_at < clock.now()))
    token = secrets.token_urlsafe(32)
    session.add(
        UnfinishedSignIn(
            account_id=account_id,
            token_hash=token_hash(token),
            means=means,
            identity_id=vouched.identity_id if vouched else None,
            provider_session=vouched.provider_session if vouched else None,
            failures=0,
            expires_at=clock.now() + LIFETIME,
        )
    )
    await session.flush()
    return SecondStep(token)


async def unfinished(session: Session, token: str) -> UnfinishedSignIn:
    """The unfinished sign-in of a browser, locked, so that guesses come one after the other.

    Raises SignInExpiredError when there is none any more, or its holder may not sign in.
    """
    found = await session.execute(
        select(UnfinishedSignIn)
        .join(Account, Account.id == UnfinishedSignIn.account_id)
        .join(Person, Person.id == Account.person_id)
        .where(
            UnfinishedSignIn.token_hash == token_hash(token),
            UnfinishedSignIn.expires_at > clock.now(),
            UnfinishedSignIn.failures < MOST_FAILURES,
            Account.is_active,
            Person.status == PersonStatus.ACTIVE,
        )
        .with_for_update(of=UnfinishedSignIn)
    )
    row = found.scalar_one_or_none()
    if row is None:
        raise SignInExpiredError
    return row


def vouched_for(begun: UnfinishedSignIn) -> Vouched | None:
    """What a provider has said of the browser, where the first step was taken at one."""
    if begun.identity_id is None:
        return None
    return Vouched(begun.identity_id, begun.provider_session, second_factor=False)


async def waiting_account(session: Session, token: str) -> UUID | None:
    """Whose password a browser has shown; None when that was too long ago."""
    waiting = (UnfinishedSignIn.token_hash == token_hash(token), UnfinishedSignIn.expires_at > clock.now())
    return (await session.execute(select(UnfinishedSignIn.account_id).where(*waiting))).scalar_one_or_none()


async def forget_step(session: Session, token: str) -> None:
    """An unfinished sign-in that was finished in another way."""
    await session.execute(delete(UnfinishedSignIn).where(UnfinishedSignIn.token_hash == token_hash(token)))
