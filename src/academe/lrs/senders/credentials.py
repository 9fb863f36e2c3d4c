"""Who sends a request: Basic credentials or a bearer token, checked in a microsecond once they are known.

What the database has said of a sender is believed for up to 30 seconds, so that whatever is revoked ends within that
time in every process. Refusals are not kept: credentials that cannot be ours by their form are refused without asking,
and the others cost one short statement.
"""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from academe.lrs.senders import models
from academe.lrs.senders.errors import CredentialsError, CredentialsRefusedError, TokenRefusedError
from academe.lrs.senders.scopes import everything_in, scopes_named
from academe.lrs.senders.secret import is_key, is_same, is_secret
from academe.lrs.senders.tokens import LIFETIME, Token, TokenSigner
from academe.lrs.senders.types import Scope, Sender
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.cache import MemoryCache
from academe.platform.database.embedded import EmbeddedServerError
from academe.platform.database.session import Database, Session
from academe.platform.errors import ServiceUnavailableError

BELIEVED_SECONDS: Final = 30
"""How long what the database said of a sender is believed."""

_KNOWN_AT_MOST: Final = 10_000
_USE_NOTED_EVERY: Final = timedelta(minutes=1)
_ASKED_AGAIN_AFTER_SECONDS: Final = 5
_LONGEST_HEADER: Final = 1_000
_CHECK: Final = system_actor("check the credentials of a sender")
_UNREACHABLE: Final = (
    *(OperationalError, InterfaceError, NoConnectionError),
    *(ServiceUnavailableError, EmbeddedServerError, OSError),
)


@dataclass(frozen=True, slots=True)
class KnownSender:
    """A sender as the database has it: what it may do, until when, and by which secret."""

    sender: Sender
    secret_hash: bytes
    secret_version: int
    ends_at: datetime | None

    @property
    def is_in_force(self) -> bool:
        """Whether its time has not come yet."""
        return self.ends_at is None or clock.now() < self.ends_at


@dataclass(slots=True)
class _Kept:
    """What is known under a header, when to ask again, and until when it may be believed without an answer.

    Times are seconds of the monotonic clock.
    """

    known: KnownSender
    ask_at: float
    until: float


Accepts = Callable[[KnownSender], KnownSender | None]
"""What a sender is for the credentials shown: as it is, with less than it may, or, None, refused."""


class Credentials:
    """Checks the credentials of requests for one process.

    With `grace_seconds` above 30, senders that are already known go on being believed for so long while the database
    cannot be reached; nobody can revoke them meanwhile. So are their tokens, those that they get meanwhile included.
    Not for use from several threads.
    """

    def __init__(
        self, database: Database, *, grace_seconds: float = 0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._signer = TokenSigner(database.settings.signing_key)
        self._monotonic = monotonic
        self._seconds = seconds = max(grace_seconds, BELIEVED_SECONDS)
        self._kept: MemoryCache[bytes, _Kept] = MemoryCache(entries=_KNOWN_AT_MOST, seconds=seconds, clock=monotonic)
        # Who showed which of its secrets, for tokens that this process has never seen.
        self._shown: MemoryCache[tuple[UUID, int], _Kept] = MemoryCache(
            entries=_KNOWN_AT_MOST, seconds=seconds, clock=monotonic
        )
        self._asked: dict[bytes, asyncio.Task[KnownSender | None]] = {}
        # The cache holds no secret and nothing that could be compared with one from elsewhere.
        self._salt = secrets.token_bytes(32)

    async def sender_of(self, authorization: str | None) -> Sender:
        """The sender of a request with this Authorization header.

        Its scopes are those of the token, where there is one. Raises CredentialsError when there is no header and its
        subclasses CredentialsRefusedError and TokenRefusedError (all 401) when it names no sender that may send.
        """
        if authorization is None:
            raise CredentialsError
        scheme, _, rest = authorization.partition(" ")
        match scheme.lower():
            case "basic":
                return (await self._by_basic(rest.strip())).sender
            case "bearer":
                return (await self._by_token(rest.strip())).sender
        raise CredentialsRefusedError

    async def sender_with(self, key: str, secret: str) -> KnownSender:
        """The sender with this key and secret; raises CredentialsRefusedError."""
        return await self._by_basic(base64.b64encode(f"{key}:{secret}".encode()).decode())

    def token_for(self, known: KnownSender, scopes: frozenset[Scope]) -> tuple[str, int]:
        """A token that lets a sender do what `scopes` say, and for how many seconds: an hour, or until it ends."""
        now = clock.now()
        ends_at = now + LIFETIME if known.ends_at is None else min(now + LIFETIME, known.ends_at)
        token = Token(known.sender.id, known.secret_version, scopes, ends_at)
        return self._signer.seal(token), int((ends_at - now).total_seconds())

    def forget(self) -> None:
        """Believe nothing; the next requests ask the database."""
        self._kept.clear()
        self._shown.clear()

    async def _by_basic(self, encoded: str) -> KnownSender:
        if len(encoded) > _LONGEST_HEADER:
            raise CredentialsRefusedError
        place = self._place(b"b" + encoded.encode())
        known = self._believed(place)
        if known is None:
            key, secret = _decoded(encoded)
            named = models.Sender.key == key
            known = await self._ask(place, named, lambda found: found if is_same(secret, found.secret_hash) else None)
        if known is None or not known.is_in_force:
            raise CredentialsRefusedError
        return known

    async def _by_token(self, text: str) -> KnownSender:
        if len(text) > _LONGEST_HEADER:
            raise TokenRefusedError
        place = self._place(b"t" + text.encode())
        known = self._believed(place)
        if known is None:
            token = self._signer.open(text)
            named = models.Sender.id == token.sender_id
            known = await self._ask(place, named, lambda found: _as_token_says(found, token), token)
        if known is None or not known.is_in_force:
            raise TokenRefusedError
        return known

    def _place(self, what: bytes) -> bytes:
        return hashlib.blake2b(what, digest_size=16, key=self._salt).digest()

    def _believed(self, place: bytes) -> KnownSender | None:
        kept = self._kept.get(place)
        return kept.known if kept is not None and self._monotonic() < kept.ask_at else None

    async def _ask(
        self, place: bytes, named: ColumnElement[bool], accepts: Accepts, token: Token | None = None
    ) -> KnownSender | None:
        """What the database says, or what it said last when it cannot be reached; many that wait ask once."""
        task = self._asked.get(place)
        if task is None:
            task = self._asked[place] = asyncio.create_task(self._answer(place, named, accepts, token))
            task.add_done_callback(lambda done: self._answered(place, done))
        return await asyncio.shield(task)

    async def _answer(
        self, place: bytes, named: ColumnElement[bool], accepts: Accepts, token: Token | None
    ) -> KnownSender | None:
        asked_at = self._monotonic()
        try:
            known = await look_up(self._database, named, accepts)
        except _UNREACHABLE:
            kept = self._kept.get(place) or self._kept_of(token)
            if kept is None or kept.until <= self._monotonic():
                raise
            kept.ask_at = min(self._monotonic() + _ASKED_AGAIN_AFTER_SECONDS, kept.until)
            self._kept.put(place, kept)
            return kept.known
        if known is None:
            self._kept.forget(place)
            return None
        kept = _Kept(known, asked_at + BELIEVED_SECONDS, asked_at + self._seconds)
        self._kept.put(place, kept)
        if token is None:
            self._shown.put((known.sender.id, known.secret_version), kept)
        return known

    def _kept_of(self, token: Token | None) -> _Kept | None:
        """What is known of the sender of a token, from when it showed the secret that the token was given for."""
        shown = None if token is None else self._shown.get((token.sender_id, token.secret_version))
        if token is None or shown is None:
            return None
        known = _as_token_says(shown.known, token)
        return None if known is None else replace(shown, known=known)

    def _answered(self, place: bytes, task: asyncio.Task[KnownSender | None]) -> None:
        self._asked.pop(place, None)
        if not task.cancelled():
            task.exception()  # whoever still waits gets it; when nobody does, it is of no interest


async def look_up(database: Database, named: ColumnElement[bool], accepts: Accepts) -> KnownSender | None:
    """The sender of that name if it may send and is accepted, else None; its use is noted once a minute."""
    now = clock.now()
    in_force = or_(models.Sender.expires_at.is_(None), models.Sender.expires_at > now)
    async with database.transaction(_CHECK) as session:
        wanted = select(models.Sender).where(named, models.Sender.revoked_at.is_(None), in_force)
        row = (await session.execute(wanted)).scalar_one_or_none()
        if row is None:
            return None
        scopes = scopes_named(row.scopes)
        sender = Sender(row.id, row.name, row.authority, row.authority_key, scopes, row.institution_id)
        known = accepts(KnownSender(sender, row.secret_hash, row.secret_version, row.expires_at))
        if known is None:
            return None
        if row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY:
            await _note_use(session, row.id, now)
        return known


async def _note_use(session: Session, sender_id: UUID, now: datetime) -> None:
    # Whoever holds the row is noting the same or changing the sender; no request waits for that.
    free = select(models.Sender.id).where(models.Sender.id == sender_id).with_for_update(skip_locked=True)
    noted = update(models.Sender).where(models.Sender.id.in_(free)).values(last_used_at=now)
    await session.execute(noted.execution_options(synchronize_session=False))


def _as_token_says(found: KnownSender, token: Token) -> KnownSender | None:
    """The sender with the scopes and until the end of a token, unless it has another secret by now."""
    if found.secret_version != token.secret_version:
        return None
    sender = replace(found.sender, scopes=token.scopes & everything_in(found.sender.scopes))
    return replace(found, sender=sender, ends_at=min(token.ends_at, found.ends_at or token.ends_at))


def _decoded(encoded: str) -> tuple[str, str]:
    """Key and secret of Basic credentials (RFC 7617), in UTF-8; those that cannot be ours are refused here."""
    try:
        pair = base64.b64decode(encoded.encode("ascii"), validate=True).decode()
    except ValueError as error:
        raise CredentialsRefusedError from error
    key, _, secret = pair.partition(":")
    if not is_key(key) or not is_secret(secret):
        raise CredentialsRefusedError
    return key, secret
