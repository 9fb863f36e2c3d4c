"""Error pages that help: what happened, what to do about it, and the number to quote when asking for help."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from academe.platform.errors import FieldError
from academe.platform.pages.render import page_kit


@dataclass(frozen=True, slots=True)
class ErrorAdvice:
    """What a status means for a person: a title, what happened and what to do."""

    title: str
    happened: str
    advice: str
    icon: str = "alert-circle"


_ADVICE: Final[dict[int, ErrorAdvice]] = {
    400: ErrorAdvice(
        "The request could not be read",
        "Something in the address or the form was not in the expected form.",
        "Go back, reload the page and try once more.",
    ),
    401: ErrorAdvice(
        "Please sign in",
        "You are not signed in, or your session has ended.",
        "Sign in; you will come back to this page.",
        "lock",
    ),
    403: ErrorAdvice(
        "You do not have access to this",
        "You are signed in, but your roles do not include this page or action.",
        "If you need it for your work, ask the person who looks after your department's access.",
        "shield-lock",
    ),
    404: ErrorAdvice(
        "There is nothing here",
        "The page does not exist, was moved, or belongs to someone whose records you cannot see.",
        "Check the address, or start again from your home page.",
        "zoom-question",
    ),
    409: ErrorAdvice(
        "This no longer fits",
        "What you were changing was changed meanwhile, or its state does not allow this step.",
        "Open the page again to see how things stand now; nothing of yours was saved.",
        "refresh",
    ),
    413: ErrorAdvice(
        "The file is too large",
        "More was sent than this page accepts.",
        "Split the file into smaller parts and send them one after the other.",
        "file",
    ),
    422: ErrorAdvice(
        "Some of the input is not right",
        "The fields or lines named below could not be accepted. Nothing was changed.",
        "Go back, correct them and send the form again.",
        "pencil",
    ),
    429: ErrorAdvice(
        "A little too fast",
        "There were more requests from you than the service allows in so short a time.",
        "Wait a minute, then try again.",
        "clock",
    ),
    500: ErrorAdvice(
        "Something went wrong on our side",
        "The service met a fault that it did not expect. Nothing was half done.",
        "Try again in a moment. If it happens again, send the request number to your administrator.",
        "alert-triangle",
    ),
    503: ErrorAdvice(
        "The service is not available right now",
        "Something the service needs does not answer at the moment.",
        "Try again in a minute or two.",
        "server",
    ),
}


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """Context of platform/error.html. `retry_url` is set where trying the same address again makes sense."""

    status: int
    advice: ErrorAdvice
    detail: str
    errors: Sequence[FieldError]
    request_id: str
    sign_in_href: str
    retry_href: str


def render_error(
    request: Request,
    status: int,
    *,
    detail: str = "",
    errors: Sequence[FieldError] = (),
    request_id: str = "",
) -> Response:
    """The page for an HTTP error; needs neither a signed-in actor nor the database.

    `detail` is a message meant for this person, such as that of an AcademeError; never the text of an unexpected
    exception. Statuses without advice of their own get that of 400 or 500.
    """
    kit = page_kit(request)
    advice = _ADVICE.get(status) or _ADVICE[400 if status < 500 else 500]
    page = ErrorPage(
        status=status,
        advice=advice,
        detail="" if detail.rstrip(".") == advice.title else detail,
        errors=tuple(errors),
        request_id=request_id,
        sign_in_href=kit.sign_in_url if status == 401 else "",
        retry_href=request.url.path if status in (429, 500, 503) and request.method == "GET" else "",
    )
    body = kit.environment.get_template("platform/error.html").render(page=page, kit=kit)
    return HTMLResponse(body, status_code=status, headers={"Cache-Control": "no-store"})
