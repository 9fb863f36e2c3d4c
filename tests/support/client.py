"""A browser's client of the whole application that acts as whoever is given."""

from collections.abc import Callable

import httpx
from starlette.requests import Request

from academe.app import create_app
from academe.platform.actor import ANONYMOUS, Actor
from tests.support.transactions import JoinedDatabase

ClientOf = Callable[..., httpx.AsyncClient]
"""`client_of(actor)` acts as that actor, without a sign-in; `client_of()` as nobody."""


def clients_of(database: JoinedDatabase) -> ClientOf:
    """Clients whose requests are part of the test's transaction, and accept pages."""
    app = create_app(database.settings, database)

    def opened(actor: Actor = ANONYMOUS, *, htmx: bool = False) -> httpx.AsyncClient:
        async def resolve(request: Request) -> Actor:
            return actor

        app.state.resolve_actor = resolve
        headers = {"Accept": "text/html"} | ({"HX-Request": "true"} if htmx else {})
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://academe.test", headers=headers)

    return opened
