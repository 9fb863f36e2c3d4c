"""Messages that survive one redirect: POST, 303, and the next page says what was done.

They travel in a signed cookie of a minute's life, so no server keeps them and no link can forge them.
"""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Final, Literal

FLASH_COOKIE: Final = "academe_flash"
FLASH_LIFETIME_SECONDS: Final = 60

FlashKind = Literal["success", "info", "warning", "danger"]
_KINDS: Final[dict[str, FlashKind]] = {
    "success": "success",
    "info": "info",
    "warning": "warning",
    "danger": "danger",
}


@dataclass(frozen=True, slots=True)
class FlashMessage:
    """One short message; `text` is plain text and holds no secrets, the browser can read it."""

    kind: FlashKind
    text: str


class FlashSigner:
    """Turns messages into a cookie value and back."""

    def __init__(self, secret: str) -> None:
        # A key of its own, so that a signature made here is worth nothing elsewhere.
        self._key = hashlib.sha256(b"academe flash messages\0" + secret.encode()).digest()

    def seal(self, messages: tuple[FlashMessage, ...]) -> str:
        """The cookie value: expiry, messages and signature."""
        expires = int(time.time()) + FLASH_LIFETIME_SECONDS
        body = json.dumps([expires, [[message.kind, message.text] for message in messages]])
        payload = base64.urlsafe_b64encode(body.encode()).decode()
        return f"{payload}.{self._signature(payload)}"

    def open(self, value: str) -> tuple[FlashMessage, ...]:
        """The messages of a cookie value; none when it was altered or is too old."""
        payload, _, signature = value.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(payload).encode()):
            return ()
        expires, messages = json.loads(base64.urlsafe_b64decode(payload))
        if expires < time.time():
            return ()
        return tuple(FlashMessage(_KINDS[kind], text) for kind, text in messages)

    def _signature(self, payload: str) -> str:
        return hmac.new(self._key, payload.encode(), hashlib.sha256).hexdigest()
