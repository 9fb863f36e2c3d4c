"""The link by which a letter's reader stops letters of its kind, without signing in (RFC 8058).

The token names the person and the kind, signed. It opens nothing but this one door, so it never ends.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from academe.messaging.types import ESSENTIAL, NotificationKind
from academe.platform.errors import NotFoundError

DAILY: Final = "daily"
"""Stands for the daily letter, whatever it tells."""

_SIGNATURE_BYTES: Final = 16
_LONGEST: Final = 200


class LinkNotKnownError(NotFoundError):
    """A link to unsubscribe that is not of ours (404)."""

    title = "This link is not valid"


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """Who wants no more letters of what: a kind, or DAILY."""

    person_id: UUID
    what: str


class UnsubscribeSigner:
    """Turns wishes into the tokens of links and back."""

    def __init__(self, key: bytes) -> None:
        # A key of its own, so that a signature made here is worth nothing elsewhere.
        self._key = hashlib.sha256(b"academe unsubscribe links\0" + key).digest()

    def seal(self, wish: Unsubscribing) -> str:
        """The token of a link."""
        payload = wish.person_id.bytes + wish.what.encode()
        return base64.urlsafe_b64encode(self._signature(payload) + payload).decode().rstrip("=")

    def open(self, token: str) -> Unsubscribing:
        """What a token of ours says; raises LinkNotKnownError for others."""
        try:
            raw = base64.urlsafe_b64decode(token[:_LONGEST].encode("ascii") + b"=" * (-len(token) % 4))
        except ValueError as error:
            raise LinkNotKnownError from error
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(payload)):
            raise LinkNotKnownError
        return Unsubscribing(UUID(bytes=payload[:16]), payload[16:].decode())

    def _signature(self, payload: bytes) -> bytes:
        return hmac.new(self._key, payload, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def may_unsubscribe(what: str) -> bool:
    """Whether letters of this may be stopped: all but those by which the institution fulfils what it owes."""
    return what == DAILY or (what in set(NotificationKind) and NotificationKind(what) not in ESSENTIAL)
