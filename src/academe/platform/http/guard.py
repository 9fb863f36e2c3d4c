"""What is turned away before any route sees it: unknown hosts, floods, requests of other sites, too large
bodies.
"""

import re
from hashlib import blake2b
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from academe.platform.errors import AcademeError
from academe.platform.http.cookies import add_cookies, cookie_value, session_cookie_name
from academe.platform.http.cross_site import SAFE_METHODS, comes_from_elsewhere
from academe.platform.http.errors import (
    CrossSiteRequestError,
    PayloadTooLargeError,
    TooManyRequestsError,
    UnknownHostError,
)
from academe.platform.http.problems import SIGN_IN_PATH, failure_of, respond
from academe.platform.http.rate_limit import TokenBuckets, network_of
from academe.platform.metrics import REQUESTS_REFUSED
from academe.platform.settings import Settings

_MEBIBYTE: Final = 2**20
_FORM_BYTES: Final = 2 * _MEBIBYTE
_MULTIPART_FRAME_BYTES: Final = _MEBIBYTE
_GUESSED: Final = (SIGN_IN_PATH, f"{SIGN_IN_PATH}/code", f"{SIGN_IN_PATH}/link", "/oauth/token")
"""Where passwords, codes and secrets are tried, and letters asked for; nobody guesses a passkey or a link."""
_FROM_ELSEWHERE: Final = re.compile(f"{SIGN_IN_PATH}/providers/[0-9a-f-]{{36}}/saml")
"""Where the page of a sign-in provider has a browser post its signed answer; nothing there asks who is signed in."""
_UNLIMITED: Final = ("/static/", "/health/")


class GuardMiddleware:
    """Refuses what the settings do not allow, cheapest check first."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self._cookie = session_cookie_name(settings).encode()
        self._upload_bytes = settings.upload_limit_mebibytes * _MEBIBYTE
        self._any_host = "*" in settings.allowed_hosts
        self._hosts = frozenset(host.lower() for host in settings.allowed_hosts if not host.startswith("*."))
        self._domains = tuple(host[1:].lower() for host in settings.allowed_hosts if host.startswith("*."))
        self._visitors = TokenBuckets(settings.rate_limit_per_minute)
        self._sessions = TokenBuckets(settings.rate_limit_per_minute)
        self._sign_ins = TokenBuckets(settings.sign_in_limit_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        session = cookie_value(headers.get(b"cookie", b""), self._cookie)
        token = headers.get(b"authorization", b"")
        shown = token if token[:7].lower() == b"bearer " else session
        visitor = blake2b(shown, digest_size=16).digest() if shown else None
        try:
            self._check_host(headers)
            self._check_rate(scope, visitor)
            if scope["method"] not in SAFE_METHODS:
                if not _FROM_ELSEWHERE.fullmatch(scope["path"]) and comes_from_elsewhere(
                    headers, has_session=session is not None
                ):
                    raise CrossSiteRequestError("A page of another site may not change anything here.")
                receive = self._bounded(headers, receive)
        except AcademeError as error:
            REQUESTS_REFUSED.labels(type(error).__name__.removesuffix("Error")).inc()
            await respond(Request(scope, receive), failure_of(error))(scope, receive, send)
            return

        async def with_cookies(message: Message) -> None:
            add_cookies(scope, message)
            await send(message)

        await self.app(scope, receive, with_cookies if visitor is not None else send)
        if visitor is not None and visitor not in self._sessions:
            actor = scope.get("state", {}).get("actor")
            if actor is not None and not actor.is_anonymous:
                self._sessions.take(visitor)

    def _check_host(self, headers: dict[bytes, bytes]) -> None:
        if self._any_host:
            return
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name not in self._hosts and not name.endswith(self._domains):
            raise UnknownHostError("Ask for this service by the host name it is known by.")

    def _check_rate(self, scope: Scope, visitor: bytes | None) -> None:
        """Count the request for its session or token once that was seen to be a real one, else for its network."""
        path: str = scope["path"]
        if path.startswith(_UNLIMITED):
            return
        client = scope.get("client")
        network = network_of(client[0]) if client else ""
        if scope["method"] == "POST" and path in _GUESSED:
            wait = self._sign_ins.take(network)
        elif visitor is not None and visitor in self._sessions:
            wait = self._sessions.take(visitor)
        else:
            wait = self._visitors.take(network)
        if wait:
            raise TooManyRequestsError(wait)

    def _bounded(self, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """Refuse a body that announces itself as too large; count one that does not say how long it is."""
        multipart = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
        limit = self._upload_bytes + _MULTIPART_FRAME_BYTES if multipart else _FORM_BYTES
        announced = headers.get(b"content-length")
        if announced is not None:
            if not announced.isdigit() or int(announced) > limit:
                raise PayloadTooLargeError(self._upload_bytes if multipart else limit)
            return receive
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413)
            return message

        return counted
