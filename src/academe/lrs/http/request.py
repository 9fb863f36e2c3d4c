"""Reading a request: headers, query, body and, in 1.0.x, the form that stands for all of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

from starlette.types import Receive, Scope

from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.versions import Version, version_of
from academe.platform.http.errors import PayloadTooLargeError

VERSION_HEADER: Final = "x-experience-api-version"
FORM: Final = "application/x-www-form-urlencoded"

_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
_HEADERS_IN_FORMS: Final = frozenset(
    {"authorization", VERSION_HEADER, "content-type", "content-length", "if-match", "if-none-match", "accept-language"}
)


class VersionFault(XapiFault):
    """The header that names the version is missing or names one that is not spoken here (400)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: names of headers in lower case, each parameter once."""

    method: str
    resource: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def version(self) -> Version:
        """The version whose rules apply; raises VersionFault."""
        named = self.headers.get(VERSION_HEADER)
        version = None if named is None else version_of(named.strip())
        if version is None:
            raise VersionFault("", "The header X-Experience-API-Version must name 1.0.x or 2.0.x.")
        return version


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers by their names in lower case; of one that is repeated, the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def body_of(headers: Mapping[str, str], receive: Receive, limit: int) -> bytes:
    """The body; raises PayloadTooLargeError before it is read where its length is announced, else on the way."""
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise PayloadTooLargeError(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limit:
            raise PayloadTooLargeError(limit)
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise XapiFault("", "The body ended before it was complete.")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise PayloadTooLargeError(limit)
        parts.append(part)
    return b"".join(parts)


def parameters_of(query: bytes) -> dict[str, str]:
    """The parameters of a query string; XapiFault for one that is repeated or is not UTF-8."""
    return _each_once(_pairs(query)) if query else {}


def unfolded(request: Request) -> Request:
    """The request that a form of the alternate request syntax stands for (1.0.3, part three, 1.3), or the one given.

    A version of 2.0 in the headers makes `method` a parameter like any other, which no resource knows; one in the form
    is refused.
    """
    if request.method != "POST" or "method" not in request.parameters or _is_newer(request.headers):
        return request
    method = request.parameters["method"]
    if len(request.parameters) > 1:
        raise XapiFault("?", "With the parameter method, all others must be fields of the form.")
    if method not in _METHODS:
        raise XapiFault("?method", "This must be GET, HEAD, PUT, POST or DELETE.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise XapiFault("", f"With the parameter method, the Content-Type must be {FORM}.")
    if not request.body:
        raise XapiFault("", "With the parameter method, the body must be a form.")
    fields = _each_once(_pairs(request.body))
    headers = {name: value for name, value in request.headers.items() if name not in ("content-type", "content-length")}
    headers |= {name.lower(): value for name, value in fields.items() if name.lower() in _HEADERS_IN_FORMS}
    if _is_newer(headers):
        raise XapiFault("?method", "Forms that stand for a request are of 1.0.x only; 2.0 has none.")
    content = fields.pop("content", None)
    if content is not None:
        headers.setdefault("content-type", "application/json")
    parameters = {name: value for name, value in fields.items() if name.lower() not in _HEADERS_IN_FORMS}
    return replace(
        request, method=method, parameters=parameters, headers=headers, body=(content or "").encode("utf-8", "replace")
    )


def _is_newer(headers: Mapping[str, str]) -> bool:
    return version_of(headers.get(VERSION_HEADER, "").strip()) is Version.TWO


def _pairs(text: bytes) -> Iterable[tuple[str, str]]:
    for part in text.decode("latin-1").split("&"):
        if part:
            name, _, value = part.partition("=")
            yield _decoded(name), _decoded(value)


def _decoded(text: str) -> str:
    try:
        return unquote(text.replace("+", " "), errors="strict")
    except UnicodeDecodeError:
        raise XapiFault("?", "Names and values of parameters must be UTF-8.") from None


def _each_once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise XapiFault(f"?{name}", "This parameter must be given once.")
        found[name] = value
    return found
