"""Keys and secrets of senders: their forms, and how secrets are made, kept and compared.

A secret is 256 bits from the operating system's generator, so no list of likely ones helps who has stolen its hash.
SHA-256 is then the right hash: it cannot be turned round, and it costs a microsecond where a password hash costs 75 ms
in every request.
"""

import hashlib
import hmac
import re
import secrets
from typing import Final

KEY_PATTERN: Final = "[A-Za-z0-9][A-Za-z0-9._~-]{2,63}"
"""Form of a key: 3 to 64 characters that need no quoting in Basic credentials, addresses and forms."""

_BYTES: Final = 32
_KEY: Final = re.compile(KEY_PATTERN, re.ASCII).fullmatch
_FORM: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII).fullmatch


def is_key(text: str) -> bool:
    """Whether a text could be the key of a sender."""
    return _KEY(text) is not None


def new_secret() -> str:
    """A new secret: 43 characters of the URL-safe base64 alphabet."""
    return secrets.token_urlsafe(_BYTES)


def is_secret(text: str) -> bool:
    """Whether a text could be a secret of ours; others need not be looked up."""
    return _FORM(text) is not None


def hashed(secret: str) -> bytes:
    """What is kept of a secret: 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def is_same(secret: str, kept: bytes) -> bool:
    """Whether a secret is the one that was kept, in a time that says nothing about either."""
    return hmac.compare_digest(hashed(secret), kept)
