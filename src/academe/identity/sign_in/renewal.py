"""A session gets a new token when what it may do has changed: a role came or went, a second factor was taken away.

Nobody has to remember to ask for it. Whenever the actor behind a token is read, the roles and factors are there anyway;
their hash is kept with the session, and when it differs, the token is replaced in the same transaction. The browser
learns the new one with the answer to that request. Requests that were on their way with the old token are served for a
little longer; whoever copied the old one is out after that. (OWASP Session Management Cheat Sheet, "Renew the Session
ID After Any Privilege Level Change".)
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, update

from academe.identity.models import AccountSession
from academe.platform import clock
from academe.platform.actor import RoleScope
from academe.platform.database.session import Session

OVERLAP: Final = timedelta(seconds=60)
"""How long the old token opens the session beside the new one: longer than any process keeps an actor in mind."""


def token_hash(token: str) -> bytes:
    """What the database keeps of a session's token. The token has 256 random bits, so a plain hash is enough."""
    return sha256(token.encode()).digest()


def opened_by(key: bytes) -> ColumnElement[bool]:
    """The session that a token's hash opens."""
    just_renewed = and_(AccountSession.previous_token_hash == key, AccountSession.renewed_at > clock.now() - OVERLAP)
    return or_(AccountSession.token_hash == key, just_renewed)


async def renewed_token(
    session: Session, session_id: UUID, key: bytes, known: bytes | None, *, scopes: Sequence[RoleScope], factor: bool
) -> str | None:
    """A new token in the place of the one that was asked with, when what it may do has changed since `known`.

    A session that was just opened learns what it may do, and keeps its token. Of requests that come at once, one gets
    the new token: the others find that theirs is the old one already.
    """
    now = _privileges(scopes, factor)
    if known == now:
        return None
    present = update(AccountSession).where(AccountSession.id == session_id, AccountSession.token_hash == key)
    if known is None:
        await session.execute(present.values(privileges=now))
        return None
    token = secrets.token_urlsafe(32)
    values = {
        "privileges": now,
        "token_hash": token_hash(token),
        "previous_token_hash": key,
        "renewed_at": clock.now(),
    }
    renewed = await session.execute(present.values(values).returning(AccountSession.id))
    return token if renewed.first() is not None else None


def _privileges(scopes: Sequence[RoleScope], factor: bool) -> bytes:
    held = sorted(f"{s.role} {s.institution_id} {s.org_unit_id} {s.offering_id}" for s in scopes)
    return sha256("\n".join([*dict.fromkeys(held), f"second factor: {factor}"]).encode()).digest()
