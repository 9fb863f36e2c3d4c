"""The names of our cookies, for whoever sets them and whoever only looks whether they are there."""

from typing import Final

from academe.platform.settings import Settings

_SESSION: Final = "academe_session"
_STEP: Final = "academe_sign_in"
_CHALLENGE: Final = "academe_passkey"


def session_cookie_name(settings: Settings) -> str:
    """The cookie of a signed-in browser; over HTTPS with the prefix that keeps other hosts from setting it."""
    return _own(settings, _SESSION)


def step_cookie_name(settings: Settings) -> str:
    """The cookie of a browser between two steps of signing in."""
    return _own(settings, _STEP)


def challenge_cookie_name(settings: Settings) -> str:
    """The cookie of a browser that was asked for a passkey."""
    return _own(settings, _CHALLENGE)


def _own(settings: Settings, name: str) -> str:
    """RFC 6265bis, section 4.1.3.2: a `__Host-` cookie is Secure, has Path=/ and no Domain."""
    return f"__Host-{name}" if settings.cookies_need_https else name


def cookie_value(header: bytes, name: bytes) -> bytes | None:
    """The value of one cookie in a Cookie header; None when it is not there or empty."""
    for part in header.split(b";"):
        key, _, value = part.partition(b"=")
        if key.strip() == name:
            return value.strip() or None
    return None
