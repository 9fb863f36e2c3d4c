"""Signing in, and setting a new password, by a link that comes by e-mail.

The database keeps that a link was asked for, and nothing from which it could be made: its token is the row's id, signed
with the installation's key when the letter is written. Asking is one and the same work whether somebody has the address
or not, and the letter is written afterwards, by the worker.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select

from academe.identity.errors import LinkNotValidError
from academe.identity.facts import SignInChange, SignInChanged, SignInLinkAsked
from academe.identity.models import Account, Person
from academe.identity.queries import has_email
from academe.identity.sign_in.breached import BreachedPasswords
from academe.identity.sign_in.models import SignInLink
from academe.identity.sign_in.passwords import hashed, require_acceptable
from academe.identity.sign_in.queries import has_second_factor
from academe.identity.sign_in.sessions import OpenedSession, about_account, end_access, open_session, with_person
from academe.identity.sign_in.unfinished import SecondStep, begin_second_step
from academe.identity.types import PersonStatus
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import record
from academe.platform.database.session import Database, Session
from academe.platform.ids import new_id
from academe.platform.outbox.service import announce

LIFETIME: Final = timedelta(minutes=20)
MOST_OPEN: Final = 3
"""Links that may wait for one account; each opens it, so whoever asks for more needs none of them."""

ACTOR: Final[Actor] = system_actor("sign in by e-mail")
MEANS: Final = "a link by e-mail"
_ID_BYTES: Final = 16


class LinkSigner:
    """Turns the id of a link into the token of its address, and back."""

    def __init__(self, key: bytes) -> None:
        # A key of its own, so that a signature made here is worth nothing elsewhere.
        self._key = hashlib.sha256(b"academe links to sign in\0" + key).digest()

    def seal(self, link_id: UUID) -> str:
        """The token: 16 bytes of id and 32 of signature, 64 letters."""
        return base64.urlsafe_b64encode(link_id.bytes + self._signature(link_id.bytes)).decode()

    def open(self, token: str) -> UUID:
        """The id in a token of ours; raises LinkNotValidError for others."""
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except ValueError as error:
            raise LinkNotValidError from error
        link_id, signature = raw[:_ID_BYTES], raw[_ID_BYTES:]
        if not hmac.compare_digest(signature, self._signature(link_id)):
            raise LinkNotValidError
        return UUID(bytes=link_id)

    def _signature(self, link_id: bytes) -> bytes:
        return hmac.new(self._key, link_id, hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose account a link opens."""

    account_id: UUID
    email: str


async def ask_for_link(database: Database, *, email: str) -> None:
    """Have a link sent to an address, if somebody signs in with it who has fewer than MOST_OPEN of them.

    The row is written in any case, and nothing tells the caller which it was.
    """
    # Without the address, the worker alone finds out that there is nobody to write to.
    waiting = select(func.count()).where(SignInLink.account_id == Account.id, SignInLink.expires_at > clock.now())
    account = _open_accounts().where(has_email(email), waiting.scalar_subquery() < MOST_OPEN)
    link_id = new_id()
    async with database.transaction(ACTOR) as session:
        await session.execute(delete(SignInLink).where(SignInLink.expires_at < clock.now()))
        asked = {"id": link_id, "account_id": account.scalar_subquery(), "expires_at": clock.now() + LIFETIME}
        await session.execute(insert(SignInLink).values(asked))
        await announce(session, SignInLinkAsked(link_id))


async def holder_of(database: Database, link_id: UUID) -> Holder:
    """Whose account a link opens, without using it up: mail programs look at links too. Raises LinkNotValidError."""
    async with database.transaction(ACTOR) as session:
        return await _holder(session, link_id)


async def sign_in_with_link(
    database: Database, *, link_id: UUID, user_agent: str = "", replaces: str | None = None
) -> OpenedSession | SecondStep:
    """Use a link up and open a session; whoever has a second factor is asked for it first. Raises LinkNotValidError."""
    async with database.transaction(ACTOR) as session:
        account_id = await _used_up(session, link_id)
        return await _admitted(database, session, account_id, user_agent=user_agent, replaces=replaces)


async def reset_password(
    database: Database,
    *,
    link_id: UUID,
    new: str,
    breached: BreachedPasswords,
    user_agent: str = "",
    replaces: str | None = None,
) -> OpenedSession | SecondStep:
    """Use a link up to set a new password: all sessions end, and this browser goes on as after signing in.

    Raises LinkNotValidError, and WeakPasswordError, after which the link may be used again.
    """
    async with database.transaction(ACTOR) as session:
        holder = await _holder(session, link_id)
    await require_acceptable(new, email=holder.email, breached=breached, field="new_password")
    stored = await hashed(new)
    async with database.transaction(ACTOR) as session:
        account_id = await _used_up(session, link_id)
        account = (await session.execute(with_person().where(Account.id == account_id))).scalar_one()
        account.password_hash = stored
        await end_access(session, account.id)
        summary = "Password set by a link that came by e-mail"
        record(session, actor=ACTOR, action="account.password_reset", subject=about_account(account), summary=summary)
        await announce(session, SignInChanged(account.person_id, SignInChange.PASSWORD_RESET))
        return await _admitted(database, session, account_id, user_agent=user_agent, replaces=replaces)


async def _admitted(
    database: Database, session: Session, account_id: UUID, *, user_agent: str, replaces: str | None
) -> OpenedSession | SecondStep:
    if await has_second_factor(session, account_id):
        return await begin_second_step(session, account_id, means=MEANS)
    lifetime = timedelta(hours=database.settings.session_absolute_hours)
    return await open_session(
        session, account_id, means=MEANS, lifetime=lifetime, user_agent=user_agent, replaces=replaces
    )


async def _holder(session: Session, link_id: UUID) -> Holder:
    found = await session.execute(
        _open_accounts()
        .add_columns(Account.email)
        .join(SignInLink, SignInLink.account_id == Account.id)
        .where(SignInLink.id == link_id, SignInLink.expires_at > clock.now())
    )
    row = found.one_or_none()
    if row is None:
        raise LinkNotValidError
    return Holder(*row)


async def _used_up(session: Session, link_id: UUID) -> UUID:
    """The account that a link opens, once: of two browsers that come with it, one deletes the row."""
    used = delete(SignInLink).where(
        SignInLink.id == link_id, SignInLink.expires_at > clock.now(), SignInLink.account_id.in_(_open_accounts())
    )
    account_id = (await session.execute(used.returning(SignInLink.account_id))).scalar_one_or_none()
    if account_id is None:
        raise LinkNotValidError
    return account_id


def _open_accounts() -> Select[UUID]:
    """The accounts that may be signed in to."""
    people = select(Account.id).join(Person, Person.id == Account.person_id)
    return people.where(Account.is_active, Person.status == PersonStatus.ACTIVE)
