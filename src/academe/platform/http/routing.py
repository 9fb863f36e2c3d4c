"""Routers for modules, and the repetition of requests that met a transient error of the database."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

from fastapi import APIRouter
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from academe.platform.database.session import is_transient
from academe.platform.metrics import REQUESTS_REPEATED

API_PREFIX: Final = "/api/v1"

ATTEMPTS: Final = 3
_FIRST_PAUSE_SECONDS: Final = 0.02
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_SAFE_MARK: Final = "academe_safe_to_repeat"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def safe_to_repeat(endpoint: Endpoint) -> Endpoint:
    """Mark a route that writes as safe to run again when its transaction met a transient error.

    Right when everything it does is in the transaction: verbs, audit, outbox and jobs are. Wrong when it
    reads an upload as a stream, writes a file or calls another system.
    """
    setattr(endpoint, _SAFE_MARK, True)
    return endpoint


class EdgeRoute(APIRoute):
    """A route whose transaction ends inside it, so that a failed commit can still be repeated or reported.

    GET, HEAD and routes marked `safe_to_repeat` run again, up to three times in all, after a serialization
    failure, a deadlock or a lost connection.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, run inside an exit stack of its own for each attempt."""
        handle = super().get_route_handler()
        marked = bool(getattr(self.endpoint, _SAFE_MARK, False))

        async def handle_with_repetition(request: Request) -> Response:
            attempts = ATTEMPTS if marked or request.method in _SAFE_METHODS else 1
            for attempt in range(1, attempts + 1):
                try:
                    async with AsyncExitStack() as stack:
                        # The framework closes dependencies of scope "function" on this stack: here, the
                        # commit.
                        request.scope["fastapi_function_astack"] = stack
                        return await handle(request)
                except DBAPIError as error:
                    if attempt == attempts or not is_transient(error):
                        raise
                REQUESTS_REPEATED.labels(self.path).inc()
                await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2**attempt * (0.5 + random.random()))  # noqa: S311
            raise AssertionError("there is at least one attempt")

        return handle_with_repetition


def api_router(prefix: str, *, tag: str) -> APIRouter:
    """A router for JSON under `/api/v1` + `prefix`; `tag` is its heading in the OpenAPI document."""
    return APIRouter(
        prefix=API_PREFIX + prefix, tags=[tag], route_class=EdgeRoute, generate_unique_id_function=_operation_id
    )


def _operation_id(route: APIRoute) -> str:
    """What generated clients call the operation: the name of its function."""
    return route.name


def page_router(prefix: str = "") -> APIRouter:
    """A router for pages and their fragments, which are no part of the OpenAPI document."""
    return APIRouter(prefix=prefix, route_class=EdgeRoute, include_in_schema=False, default_response_class=HTMLResponse)
