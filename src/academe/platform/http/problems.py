"""How an error reads: RFC 9457 problem details for programs, a page for browsers, a toast for htmx.

Each carries the request's id, under which the log has the rest.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

from markupsafe import escape
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from academe.platform.database.embedded import EmbeddedServerError
from academe.platform.errors import AcademeError, FieldError
from academe.platform.logging import get_logger, request_id
from academe.platform.pages.errors import render_error
from academe.platform.pages.flash import FlashMessage
from academe.platform.pages.render import messages_header, wants_fragment

PROBLEM_TYPE: Final = "application/problem+json"
SIGN_IN_PATH: Final = "/sign-in"
_RETRY_SECONDS: Final = 5
_JSON_PATHS: Final = ("/api/", "/health/", "/metrics")

_log = get_logger()


class ProblemField(BaseModel):
    """One fault of the input."""

    field: str = Field(description="Dotted path of the field, or the name of the parameter or column.")
    message: str
    pointer: str | None = Field(None, description="JSON Pointer (RFC 6901) into the request's body.")
    line: int | None = Field(None, description="Line of an uploaded file, counted from 1.")


class Problem(BaseModel):
    """An error by RFC 9457."""

    type: str = Field(description="What kind of error it is, as a URN; stable.")
    title: str
    status: int
    detail: str
    request_id: str = Field(description="Quote this when asking for help.")
    errors: list[ProblemField] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error on its way to the client. `kind` is a stable word for it (`not-found`).

    `leads_to` is the page to which browsers are led instead of one about the error.
    """

    status: int
    kind: str
    title: str
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    in_body: bool = False
    leads_to: str = ""


def failure_of(error: AcademeError) -> Failure:
    """An error of the application as the client is to see it."""
    seconds = getattr(error, "retry_after_seconds", _RETRY_SECONDS if error.status == 503 else None)
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    challenge = getattr(error, "challenge", 'Session realm="Academe"' if error.status == 401 else None)
    if challenge is not None:
        headers["WWW-Authenticate"] = challenge
    # What is wrong with the embedded server names folders and quotes its log: that is for whoever operates it.
    detail = f"{error.title}." if isinstance(error, EmbeddedServerError) else error.message
    name = type(error).__name__.removesuffix("Error")
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
    return Failure(error.status, kind, error.title, detail, error.errors, headers, leads_to=error.leads_to)


def failure_of_status(status: int, *, headers: Mapping[str, str] | None = None) -> Failure:
    """An error of the framework: only its status says anything."""
    phrase = HTTPStatus(status).phrase
    return Failure(status, phrase.lower().replace(" ", "-"), phrase, phrase + ".", headers=headers or {})


UNEXPECTED: Final = Failure(
    500,
    "unexpected",
    "Something went wrong on our side",
    "The service met a fault that it did not expect. Nothing was changed.",
)


def wants_page(request: Request) -> bool:
    """Whether a person waits for the answer in a browser."""
    return not request.url.path.startswith(_JSON_PATHS) and "text/html" in request.headers.get("accept", "")


def respond(request: Request, failure: Failure) -> Response:
    """The answer in the form that the client reads."""
    if not request.url.path.startswith(_JSON_PATHS) and wants_fragment(request):
        return _fragment(request, failure)
    if wants_page(request):
        return _page(request, failure)
    return problem(failure)


def problem(failure: Failure) -> JSONResponse:
    """The answer for a program."""
    content: dict[str, Any] = {
        "type": f"urn:academe:problem:{failure.kind}",
        "title": failure.title,
        "status": failure.status,
        "detail": failure.detail,
        "request_id": request_id.get(),
    }
    if failure.errors:
        content["errors"] = [_field(error, in_body=failure.in_body) for error in failure.errors]
    headers = {"Cache-Control": "no-store", **failure.headers}
    return JSONResponse(content, failure.status, headers=headers, media_type=PROBLEM_TYPE)


def sign_in_address(path: str, query: str = "") -> str:
    """The sign-in page that leads back to a path of ours."""
    target = f"{path}?{query}" if query else path
    if target == "/":
        return SIGN_IN_PATH
    return f"{SIGN_IN_PATH}?next={quote(target, safe='/')}"


def _field(error: FieldError, *, in_body: bool) -> dict[str, Any]:
    content: dict[str, Any] = {"field": error.field, "message": error.message}
    if in_body:
        steps = error.field.split(".") if error.field else []
        content["pointer"] = "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)
    if error.line is not None:
        content["line"] = error.line
    return content


def _page(request: Request, failure: Failure) -> Response:
    if failure.status == 401:
        back = request.method in {"GET", "HEAD"}
        address = sign_in_address(request.url.path, request.url.query) if back else SIGN_IN_PATH
        return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})
    if failure.leads_to:
        return RedirectResponse(failure.leads_to, status_code=303, headers={"Cache-Control": "no-store"})
    try:
        response = render_error(
            request,
            failure.status,
            detail=failure.detail if failure.status < 500 else "",
            errors=failure.errors,
            request_id=request_id.get(),
        )
    except Exception:  # noqa: BLE001 - the page of an error must not fail for what made the error
        _log.exception("error_page.failed")
        response = HTMLResponse(_plain(failure), failure.status)
    response.headers.update(failure.headers)
    return response


def _fragment(request: Request, failure: Failure) -> Response:
    if failure.status == 401:
        here = urlsplit(request.headers.get("HX-Current-URL", ""))
        return Response(status_code=401, headers={"HX-Redirect": sign_in_address(here.path or "/", here.query)})
    if failure.leads_to:
        return Response(status_code=failure.status, headers={"HX-Redirect": failure.leads_to})
    text = f"{failure.detail} (Request {request_id.get()})" if failure.status >= 500 else failure.detail
    headers = {
        "Cache-Control": "no-store",
        "HX-Reswap": "none",
        "HX-Trigger": messages_header((FlashMessage("danger", text),)),
        **failure.headers,
    }
    body = f'<div class="alert alert-danger" role="alert">{escape(text)}</div>'
    return HTMLResponse(body, failure.status, headers=headers)


def _plain(failure: Failure) -> str:
    """A page that needs no template and no style sheet."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(failure.title)}</title>'
        f"<h1>{escape(failure.title)}</h1><p>{escape(failure.detail)}</p>"
        f'<p>Request number {escape(request_id.get())}</p><p><a href="/">Home page</a></p></html>'
    )
