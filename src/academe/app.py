"""The web application: the one file that knows every module's routes, pages and navigation.

A module arrives here with one line in each of the tuples below; nothing else registers anything.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter, FastAPI

from academe.platform.database.session import Database
from academe.platform.http.dependencies import nobody
from academe.platform.http.pagination import CursorSigner
from academe.platform.settings import Settings, get_settings

ROUTERS: Final[Sequence[APIRouter]] = ()
"""Every module's `routes.router` and `pages.router`."""


def create_app(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    """The application of one process.

    `database` is for tests and tools that have one open already and close it themselves; without it the
    application opens its own at start-up and closes it at the end.
    """
    settings = settings or get_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = None if database else Database(settings)
        app.state.database = database or opened
        try:
            yield
        finally:
            if opened:
                await opened.close()

    app = FastAPI(
        title="Academe", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.state.settings = settings
    app.state.resolve_actor = nobody
    app.state.cursor_signer = CursorSigner(settings.signing_key)
    if database:
        app.state.database = database
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    return app
