"""One way to answer with a page: the whole of it, or the one block that htmx asked for."""

import json
from dataclasses import is_dataclass
from typing import Final

from jinja2_fragments import render_block
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from academe.platform.actor import Actor
from academe.platform.pages.chrome import PageChrome, PageKit
from academe.platform.pages.flash import (
    FLASH_COOKIE,
    FLASH_LIFETIME_SECONDS,
    FlashKind,
    FlashMessage,
)

MESSAGES_EVENT: Final = "academe:toasts"


def page_kit(request: Request) -> PageKit:
    """The kit that the composition root put at `app.state.page_kit`."""
    kit: PageKit = request.app.state.page_kit
    return kit


def wants_fragment(request: Request) -> bool:
    """Whether htmx asked for a part of a page; its history restore and boosted links need whole pages."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Boosted") != "true"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def render(
    request: Request, template: str, context: object, *, block: str | None = None, status: int = 200
) -> Response:
    """Answer with a page.

    `template` is `<module>/<page>.html`; `context` is a frozen dataclass, seen by the template as `page`. With `block`,
    a request by htmx gets only the block of that name, everybody else the whole page. Pages are never kept by caches:
    they show people's data. Undefined names in a template raise jinja2.UndefinedError.
    """
    if not is_dataclass(context) or isinstance(context, type):
        raise TypeError(f"the context of {template} must be a dataclass instance, not {type(context).__name__}")
    kit = page_kit(request)
    actor = _actor_of(request, template)
    sealed = request.cookies.get(FLASH_COOKIE)
    messages = kit.flash_signer.open(sealed) if sealed else ()
    chrome = PageChrome(kit, actor, request.url.path, request.url.query, messages)
    fragment = block is not None and wants_fragment(request)
    if fragment and block is not None:
        body = render_block(kit.environment, template, block, page=context, chrome=chrome, kit=kit)
    else:
        body = kit.environment.get_template(template).render(page=context, chrome=chrome, kit=kit)
    response = HTMLResponse(body, status_code=status)
    response.headers["Cache-Control"] = "no-store"
    if block is not None:
        response.headers["Vary"] = "HX-Request"
    if fragment and messages:
        response.headers["HX-Trigger"] = messages_header(messages)
    if sealed:
        response.delete_cookie(FLASH_COOKIE, path="/")
    return response


def _actor_of(request: Request, template: str) -> Actor:
    """Who calls, as the route's dependency has found out."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is None:
        raise RuntimeError(f"the route that shows {template} does not ask for its caller (CurrentActor or SignedIn)")
    return actor


def redirect(request: Request, url: str, *messages: FlashMessage | str, kind: FlashKind = "success") -> Response:
    """Answer a successful POST with 303 to `url`, where the messages are shown as toasts.

    `url` must be a path of this application; a plain string becomes a message of `kind`.
    """
    if not url.startswith("/") or url.startswith("//"):
        raise ValueError(f"redirects stay within the application, {url!r} does not")
    response = RedirectResponse(url, status_code=303)
    if messages:
        typed = tuple(m if isinstance(m, FlashMessage) else FlashMessage(kind, m) for m in messages)
        response.set_cookie(
            FLASH_COOKIE,
            page_kit(request).flash_signer.seal(typed),
            max_age=FLASH_LIFETIME_SECONDS,
            path="/",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return response


def messages_header(messages: tuple[FlashMessage, ...]) -> str:
    """The value of HX-Trigger that makes the page show the messages as toasts; ASCII, as headers must be."""
    shown = [{"kind": message.kind, "text": message.text} for message in messages]
    return json.dumps({MESSAGES_EVENT: shown})
