"""Access tokens (RFC 6750): what a sender gets for its secret, good for an hour, checked without the database.

A token names the sender, which of its secrets it was given for, when it ends, and what it allows of what the sender
may. It is signed, not encrypted; nothing in it is secret, and callers are not to read it. Whether the sender still may
is asked of the sender's row, which `Credentials` keeps for a while.
"""

import base64
import hashlib
import hmac
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from academe.lrs.senders.errors import TokenRefusedError
from academe.lrs.senders.types import Scope
from academe.platform import clock

LIFETIME: Final = timedelta(hours=1)
"""How long a token is good for; a sender asks for another before it ends."""

_SIGNATURE_BYTES: Final = 16
_FORM: Final = struct.Struct(">B16sIQH")  # form of the rest, sender, number of the secret, end, scopes as bits
_FIRST_FORM: Final = 1
_LONGEST: Final = 200

# The places of the scopes among the bits, which tokens that are out there rely on: add at the end.
_BITS: Final = (
    Scope.WRITE_STATEMENTS,
    Scope.READ_OWN_STATEMENTS,
    Scope.READ_STATEMENTS,
    Scope.STATE,
    Scope.DEFINE,
    Scope.PROFILE,
    Scope.READ_ALL,
    Scope.ALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says. `ends_at` is in UTC, to the second."""

    sender_id: UUID
    secret_version: int
    scopes: frozenset[Scope]
    ends_at: datetime


class TokenSigner:
    """Turns tokens into text and back."""

    def __init__(self, key: bytes) -> None:
        # A key of its own, so that a signature made here is worth nothing elsewhere.
        self._key = hashlib.sha256(b"academe xapi access tokens\0" + key).digest()

    def seal(self, token: Token) -> str:
        """The text of a token: 63 characters of the URL-safe base64 alphabet."""
        payload = _FORM.pack(
            _FIRST_FORM,
            token.sender_id.bytes,
            token.secret_version,
            int(token.ends_at.timestamp()),
            _bits_of(token.scopes),
        )
        return base64.urlsafe_b64encode(self._signature(payload) + payload).decode().rstrip("=")

    def open(self, text: str) -> Token:
        """What a token says that we have sealed and that has not ended; others raise TokenRefusedError."""
        if len(text) > _LONGEST:
            raise TokenRefusedError
        try:
            raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError as error:
            raise TokenRefusedError from error
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(payload)):
            raise TokenRefusedError
        form, sender, version, end, bits = _FORM.unpack(payload)
        token = Token(UUID(bytes=sender), version, _scopes_of(bits), datetime.fromtimestamp(end, UTC))
        if form != _FIRST_FORM or token.ends_at <= clock.now():
            raise TokenRefusedError
        return token

    def _signature(self, payload: bytes) -> bytes:
        return hmac.new(self._key, payload, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _bits_of(scopes: Iterable[Scope]) -> int:
    return sum(1 << _BITS.index(scope) for scope in scopes)


def _scopes_of(bits: int) -> frozenset[Scope]:
    return frozenset(scope for place, scope in enumerate(_BITS) if bits >> place & 1)
