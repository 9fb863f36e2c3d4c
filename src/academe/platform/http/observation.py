"""The outermost layer around the application: the request's id, what is logged and measured, headers of every
answer.

It is also the last resort: an exception that nothing else answered becomes a 500 with an id here, logged
once.
"""

import re
import time
from typing import Final

from prometheus_client import Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from academe.platform.http.handlers import answer_unexpected
from academe.platform.http.security_headers import security_headers
from academe.platform.ids import new_id
from academe.platform.logging import get_logger, request_id
from academe.platform.metrics import REQUEST_SECONDS, REQUESTS_IN_PROGRESS
from academe.platform.settings import Settings

_ACCEPTED_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET: Final = frozenset({"/health/live", "/health/ready", "/metrics", "/static"})
_NO_ROUTE: Final = "(none)"
_PRIVATE: Final = (b"cache-control", b"no-store, private")


def route_template(scope: Scope) -> str:
    """The path of the matched route with its parameters as names; never what the caller sent."""
    route = scope.get("route")
    if route is not None:
        return str(getattr(route, "path", _NO_ROUTE))
    return str(scope.get("root_path") or _NO_ROUTE)  # a mount, such as /static, leaves its own path there


class ObservationMiddleware:
    """Gives each request its id, its line in the log, its place in the metrics and its security headers."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self._headers = security_headers(settings)
        self._log = get_logger().bind()  # bound once: every request logs
        self._measured: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        identity = _id_of(scope)
        token = request_id.set(identity)
        answer = _Answer(send, scope, identity, self._headers)
        REQUESTS_IN_PROGRESS.inc()
        try:
            await self.app(scope, receive, answer.send)
        except Exception as error:
            if answer.status:
                self._log.error("answer.broken_off", exc_info=error)
                raise
            request = Request(scope, receive)
            await answer_unexpected(request, error)(scope, receive, answer.send)
        finally:
            REQUESTS_IN_PROGRESS.dec()
            self._report(scope, answer.status, time.perf_counter() - started)
            request_id.reset(token)

    def _report(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = route_template(scope)
        key = (method, route, status)
        measured = self._measured.get(key)
        if measured is None:
            measured = self._measured[key] = REQUEST_SECONDS.labels(method, route, str(status))
        measured.observe(seconds)
        log = self._log.debug if route in _QUIET else self._log.info
        log("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 2))


class _Answer:
    """The way out of one request: adds the headers that every answer has, and remembers the status."""

    __slots__ = ("_headers", "_identity", "_scope", "_send", "status")

    def __init__(self, send: Send, scope: Scope, identity: str, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self._send = send
        self._scope = scope
        self._identity = identity
        self._headers = headers
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given: list[tuple[bytes, bytes]] = message.setdefault("headers", [])
            names = {name for name, _ in given}
            added = [header for header in self._headers if header[0] not in names]
            added.append((b"x-request-id", self._identity.encode()))
            if b"cache-control" not in names and self._is_private():
                added.append(_PRIVATE)
            message["headers"] = [*given, *added]
        await self._send(message)

    def _is_private(self) -> bool:
        """Whether the answer may show what only this caller may see."""
        actor = self._scope.get("state", {}).get("actor")
        return actor is not None and not actor.is_anonymous


def _id_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            if _ACCEPTED_ID.fullmatch(value):
                accepted: bytes = value
                return accepted.decode()
            break
    return new_id().hex
