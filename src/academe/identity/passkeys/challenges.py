"""Challenges: random, for one browser, answered once."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete

from academe.identity.errors import PasskeyRefusedError
from academe.identity.sign_in.models import PasskeyChallenge
from academe.identity.sign_in.renewal import token_hash
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import Database

LIFETIME: Final = timedelta(minutes=5)
"""As long as the longest that WebAuthn recommends a browser to wait (Level 3, section 15.1)."""

ACTOR: Final[Actor] = system_actor("ask for a passkey")
_BYTES: Final = 32
"""Section 13.4.3 asks for 16 or more."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the question is asked: the host name that owns the passkeys, and the origin that the browser will sign."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A challenge, and the token by which its browser will be known."""

    token: str
    challenge: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """A challenge that was just used up."""

    challenge: bytes
    account_id: UUID | None


async def ask(database: Database, account_id: UUID | None) -> Asked:
    """A new challenge; those that nobody answered in time are forgotten on the way."""
    asked = Asked(secrets.token_urlsafe(32), secrets.token_bytes(_BYTES))
    async with database.transaction(ACTOR) as session:
        await session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.expires_at < clock.now()))
        session.add(
            PasskeyChallenge(
                token_hash=token_hash(asked.token),
                challenge=asked.challenge,
                account_id=account_id,
                expires_at=clock.now() + LIFETIME,
            )
        )
    return asked


async def take(database: Database, token: str) -> Taken:
    """Use a browser's challenge up, in a transaction of its own: it is gone whatever the answer is worth.

    Raises PasskeyRefusedError when there is none.
    """
    async with database.transaction(ACTOR) as session:
        used = delete(PasskeyChallenge).where(
            PasskeyChallenge.token_hash == token_hash(token), PasskeyChallenge.expires_at > clock.now()
        )
        found = await session.execute(used.returning(PasskeyChallenge.challenge, PasskeyChallenge.account_id))
        row = found.one_or_none()
    if row is None:
        raise PasskeyRefusedError
    return Taken(*row)
