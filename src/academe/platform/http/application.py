"""The application without the modules: the layers around every route, and what routes find in `app.state`."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from academe.platform.database.observe import observe
from academe.platform.database.session import Database
from academe.platform.http import health
from academe.platform.http.compression import CompressionMiddleware
from academe.platform.http.dependencies import ActorResolver, nobody
from academe.platform.http.guard import GuardMiddleware
from academe.platform.http.handlers import install_handlers
from academe.platform.http.observation import ObservationMiddleware
from academe.platform.http.pagination import CursorSigner
from academe.platform.http.problems import PROBLEM_TYPE, Problem
from academe.platform.http.route_index import RouteIndex
from academe.platform.settings import Settings

OPENAPI_URL: Final = "/api/openapi.json"

ChecksOf = Callable[[Database], Sequence[health.Check]]
Running = Callable[[], AbstractAsyncContextManager[None]]


def build_application(
    settings: Settings,
    routers: Sequence[APIRouter],
    *,
    database: Database | None = None,
    resolve_actor: ActorResolver = nobody,
    checks_of: ChecksOf = lambda opened: [health.database_check(opened)],
    running: Running = nullcontext,
    collectors: Sequence[health.Collect] = (),
) -> FastAPI:
    """An application that answers the routers' routes, within all the layers of the edge.

    With `database`, the caller has opened it and closes it; else the application opens its own when it
    starts. Every route must be of the kind that `api_router` and `page_router` make. `running` is entered when the
    application has started; `collectors` are asked when the metrics are read.
    """
    app = FastAPI(
        title="Academe",
        version=version("academe"),
        summary="The open student-success platform.",
        openapi_url=OPENAPI_URL,
        docs_url=None,  # the usual pages load scripts from other sites, which our content security policy forbids
        redoc_url=None,
        lifespan=_lifespan(settings, database, checks_of, running),
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # they would record paths and query strings
    )
    _fill_state(app, settings, resolve_actor)
    app.state.collectors = collectors
    if database is not None:
        app.state.database = database
        app.state.readiness_checks = checks_of(database)
    install_handlers(app)
    # The last one added is the outermost.
    app.add_middleware(CompressionMiddleware)
    app.add_middleware(GuardMiddleware, settings=settings)
    app.add_middleware(ObservationMiddleware, settings=settings)
    # Not `include_router`: its routes are matched twice and lose the template that logs and metrics need.
    index = RouteIndex(_routes_of((health.router, *routers)))
    app.router.routes.append(index)
    app.openapi = lambda: _openapi(app, index)  # type: ignore[method-assign]
    return app


def _fill_state(app: FastAPI, settings: Settings, resolve_actor: ActorResolver) -> None:
    app.state.settings = settings
    app.state.resolve_actor = resolve_actor
    app.state.cursor_signer = CursorSigner(settings.signing_key)


def _lifespan(
    settings: Settings, database: Database | None, checks_of: ChecksOf, running: Running
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if database is not None:
            async with running():
                yield
            return
        opened = Database(settings)
        observe(opened)
        app.state.database = opened
        app.state.readiness_checks = checks_of(opened)
        try:
            async with running():
                yield
        finally:
            await opened.close()

    return lifespan


def _routes_of(routers: Sequence[APIRouter]) -> Iterator[APIRoute]:
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute):
                raise TypeError(f"{route!r} is no route of a method: routers hold no mounts and no other routers")
            yield route


def _openapi(app: FastAPI, index: RouteIndex) -> dict[str, Any]:
    """The OpenAPI document, in which every operation may answer with a problem; made once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=index.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas["Problem"] = schema
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
                operation["responses"].setdefault(
                    "default", {"description": "A problem.", "content": {PROBLEM_TYPE: problem}}
                )
        app.openapi_schema = document
    return app.openapi_schema
