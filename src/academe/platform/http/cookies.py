"""Our cookies: their names, and one that goes with an answer that somebody else writes."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from academe.platform.settings import Settings

_SESSION: Final = "academe_session"
_STEP: Final = "academe_sign_in"
_CHALLENGE: Final = "academe_passkey"
_PROVIDER: Final = "academe_provider"
_CHANGED: Final = "academe_changed"
_WITH_ANSWER: Final = "cookies_with_answer"


def session_cookie_name(settings: Settings) -> str:
    """The cookie of a signed-in browser; over HTTPS with the prefix that keeps other hosts from setting it."""
    return _own(settings, _SESSION)


def step_cookie_name(settings: Settings) -> str:
    """The cookie of a browser between two steps of signing in."""
    return _own(settings, _STEP)


def challenge_cookie_name(settings: Settings) -> str:
    """The cookie of a browser that was asked for a passkey."""
    return _own(settings, _CHALLENGE)


def provider_cookie_name(settings: Settings) -> str:
    """The cookie of a browser that was sent to a sign-in provider."""
    return _own(settings, _PROVIDER)


def changed_cookie_name(settings: Settings) -> str:
    """The cookie of a browser that has just changed something, which a replica may not know yet."""
    return _own(settings, _CHANGED)


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


def cookie_with_answer(request: Request, name: str, value: str, seconds: float, *, secure: bool) -> None:
    """Let a cookie go with the answer to a request, whoever writes it, unless that sets the same cookie itself."""
    carrier = Response()
    carrier.set_cookie(name, value, max_age=int(seconds), path="/", secure=secure, httponly=True, samesite="lax")
    request.scope.setdefault("state", {}).setdefault(_WITH_ANSWER, {})[name] = carrier.headers["set-cookie"]


def add_cookies(scope: Scope, message: Message) -> None:
    """Put the cookies that wait for it into the start of an answer."""
    waiting: dict[str, str] = scope.get("state", {}).get(_WITH_ANSWER, {})
    if not waiting or message["type"] != "http.response.start":
        return
    headers = MutableHeaders(scope=message)
    taken = {header.partition("=")[0] for header in headers.getlist("set-cookie")}
    for name, header in waiting.items():
        if name not in taken:
            headers.append("set-cookie", header)
