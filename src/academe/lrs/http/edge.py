"""Where requests below `/xapi` arrive, before the application's own layers: from bytes to a handler and back.

In this order: the request is read, the alternate syntax unfolded, the version found, the sender, the resource with its
method, its parameters, the sender's scopes. Every answer names the version, and those of `statements` up to when
everything can be read.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Receive, Scope, Send

from academe.lrs.http.errors import MethodNotAllowedError, UnknownResourceError
from academe.lrs.http.exchange import JSON, Answer, Call, Resource
from academe.lrs.http.request import Request, body_of, headers_of, parameters_of, unfolded
from academe.lrs.http.token import grant_token
from academe.lrs.senders.activity import SenderActivity
from academe.lrs.senders.credentials import Credentials
from academe.lrs.senders.scopes import allows_any
from academe.lrs.senders.types import Sender
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.grammar import timestamp_text
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Database
from academe.platform.errors import AcademeError
from academe.platform.http.database_errors import explained
from academe.platform.http.problems import UNEXPECTED, Failure, failure_of
from academe.platform.ids import new_id
from academe.platform.logging import get_logger, request_id
from academe.platform.metrics import REQUEST_SECONDS

PREFIX: Final = "/xapi"
TOKEN: Final = "oauth/token"  # noqa: S105 - a path
CONSISTENT_THROUGH: Final = "X-Experience-API-Consistent-Through"
OLDEST: Final = "0.95"
"""What the answer to a request without a version names: a version before those that must name theirs."""

_CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"ETag, Last-Modified, Content-Type, X-Experience-API-Version, X-Experience-API-Consistent-Through",
    ),
)
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Experience-API-Version, If-Match, If-None-Match,"
    " Accept-Language",
    "Access-Control-Max-Age": "86400",
}
_EVERYBODY: Final = frozenset({"about"})
_WITHOUT_VERSION: Final = frozenset({"about", "caliper"})
_NO_BODY: Final = frozenset({204, 304})
_UNAVAILABLE: Final = 503
_NOBODY: Final[Mapping[str, str]] = {}


@dataclass(slots=True)
class _By:
    """Who sends a request, as far as it came; `counts` unless everybody may ask."""

    counts: bool = True
    sender_id: UUID | None = None


class XapiEdge:
    """Answers what comes below `/xapi`, with the resources given by name; the rest goes on to the application.

    `consistent_through` says up to when everything can be read; `limit_bytes` bounds every body.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        database: Callable[[], Database],
        credentials: Callable[[], Credentials],
        resources: Callable[[], Mapping[str, Resource]],
        consistent_through: Callable[[], datetime],
        limit_bytes: int,
        activity: Callable[[], SenderActivity] | None = None,
    ) -> None:
        self._app = app
        self._activity = activity
        self._database = database
        self._credentials = credentials
        self._resources = resources
        self._consistent_through = consistent_through
        self._limit = limit_bytes
        self._measured: dict[tuple[str, str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if scope["type"] != "http" or not (path.startswith(PREFIX) and path[len(PREFIX) :][:1] in ("/", "")):
            await self._app(scope, receive, send)
            await self._write_activity(scope)
            return
        started = time.perf_counter()
        resource = "/".join(part for part in path[len(PREFIX) :].split("/") if part)
        identity = new_id().hex
        token = request_id.set(identity)
        by = _By()
        try:
            answer, version = await self._answered(scope, receive, resource, by)
            await self._send(send, scope["method"], resource, answer, version, identity)
        finally:
            request_id.reset(token)
        self._observe(scope["method"], resource, answer.status, time.perf_counter() - started)
        if self._activity is not None and by.counts and scope["method"] != "OPTIONS":
            self._activity().note(by.sender_id, answer.status, answer.stored)
            await self._write_activity(scope)

    async def _write_activity(self, scope: Scope) -> None:
        if self._activity is not None and scope["type"] == "http":
            await self._activity().write_when_due()

    async def _answered(self, scope: Scope, receive: Receive, resource: str, by: _By) -> tuple[Answer, str]:
        """The answer and the version it names; no exception passes. Who asked is noted in `by`."""
        named = OLDEST
        try:
            if scope["method"] == "OPTIONS":
                return Answer(status=204, headers=_PREFLIGHT), Version.TWO.value
            headers = headers_of(scope)
            body = await body_of(headers, receive, self._limit)
            if resource == TOKEN:
                return await self._token(scope["method"], headers, body), Version.TWO.value
            parameters = parameters_of(scope["query_string"])
            request = unfolded(Request(scope["method"], resource, parameters, headers, body))
            version = Version.TWO if _needs_no_version(request) else request.version()
            named = version.value
            return await self._handled(request, version, by), named
        except AcademeError as error:
            return _refusal(failure_of(error), getattr(error, "challenge", None)), named
        except SQLAlchemyError as error:
            told = explained(error)
            if told is None or told.status != _UNAVAILABLE:
                return self._unexpected(error), named
            return _refusal(failure_of(told)), named
        except Exception as error:  # noqa: BLE001 - the last resort of these requests, which no layer stands around
            return self._unexpected(error), named

    async def _handled(self, request: Request, version: Version, by: _By) -> Answer:
        everybody = request.resource in _EVERYBODY
        by.counts = not everybody
        sender = _ANYBODY if everybody else await self._credentials().sender_of(request.headers.get("authorization"))
        by.sender_id = None if everybody else sender.id
        resource = self._resources().get(request.resource)
        if resource is None:
            raise UnknownResourceError(f"The resources are {', '.join(sorted(self._resources()))}.")
        name = "GET" if request.method == "HEAD" else request.method
        method = resource.get(name)
        if method is None:
            raise MethodNotAllowedError(f"The methods of this resource are {', '.join(sorted(resource))}.")
        for parameter in request.parameters:
            if parameter not in method.parameters:
                raise XapiFault(f"?{parameter}", "This resource knows no such parameter.")
        if method.scopes and not allows_any(sender.scopes, method.scopes):
            raise method.scope_error(f"This needs one of the scopes {', '.join(sorted(method.scopes))}.")
        call = Call(
            name, request.resource, request.parameters, request.headers, request.body, version, sender, self._database()
        )
        return await method.handler(call)

    async def _token(self, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if method != "POST":
            raise MethodNotAllowedError("Tokens are asked for by POST.")
        return await grant_token(
            self._credentials(),
            authorization=headers.get("authorization"),
            content_type=headers.get("content-type", ""),
            body=body,
        )

    def _unexpected(self, error: Exception) -> Answer:
        get_logger().error("xapi.unexpected", exc_info=error)
        return _refusal(UNEXPECTED)

    async def _send(self, send: Send, method: str, resource: str, answer: Answer, version: str, identity: str) -> None:
        body = b"" if answer.status in _NO_BODY else answer.body
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        headers += _CORS
        headers.append((b"x-experience-api-version", version.encode()))
        headers.append((b"x-request-id", identity.encode()))
        if resource == "statements" and CONSISTENT_THROUGH not in answer.headers:
            through = timestamp_text(self._consistent_through())
            headers.append((CONSISTENT_THROUGH.lower().encode(), through.encode()))
        if answer.status not in _NO_BODY:
            headers.append((b"content-type", answer.content_type.encode("latin-1", "replace")))
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})

    def _observe(self, method: str, resource: str, status: int, seconds: float) -> None:
        known = resource if resource == TOKEN or resource in self._resources() else "(none)"
        key = (method if method in _KNOWN_METHODS else "OTHER", known, status)
        measured = self._measured.get(key)
        if measured is None:
            measured = self._measured[key] = REQUEST_SECONDS.labels(key[0], f"{PREFIX}/{known}", str(status))
        measured.observe(seconds)


_KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"})
_ANYBODY: Final = Sender(new_id(), "", {}, "", frozenset())


def _needs_no_version(request: Request) -> bool:
    """`about` says which versions are spoken, and sensors know none: both may leave the header out."""
    return request.resource in _WITHOUT_VERSION and "x-experience-api-version" not in request.headers


def _refusal(failure: Failure, challenge: str | None = None) -> Answer:
    """An error as JSON; it names the property or parameter by its pointer."""
    content: dict[str, object] = {
        "type": f"urn:academe:problem:{failure.kind}",
        "title": failure.title,
        "status": failure.status,
        "detail": failure.detail,
    }
    if failure.errors:
        content["errors"] = [{"pointer": one.field, "detail": one.message} for one in failure.errors]
    headers = dict(failure.headers)
    headers.pop("WWW-Authenticate", None)
    if failure.status == 401:
        headers["WWW-Authenticate"] = challenge or 'Basic realm="xAPI", charset="UTF-8"'
    return Answer(status=failure.status, body=to_json(content), content_type=JSON, headers=headers)
