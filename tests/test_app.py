"""The whole application: every route says who may call it, and none is left out of the layers of the edge."""

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any, get_type_hints

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount

from academe.app import create_app
from academe.platform.actor import Actor
from academe.platform.database.session import Database, ReadSession, Session
from academe.platform.http import health
from academe.platform.http.route_index import RouteIndex
from academe.platform.http.routing import API_PREFIX, EdgeRoute
from academe.platform.settings import Settings

WITHOUT_CALLER = {route.path for route in health.router.routes if isinstance(route, APIRoute)}
"""Whether the service lives is told to everybody; /metrics asks for its own token."""


@pytest.fixture(scope="module")
def app(settings: Settings, worker_database: Database) -> FastAPI:
    return create_app(settings, worker_database)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://academe.test") as connected:
        yield connected


def routes(app: FastAPI) -> Iterator[APIRoute]:
    (index,) = [route for route in app.routes if isinstance(route, RouteIndex)]
    for route in index.routes:
        assert isinstance(route, APIRoute)
        yield route


def asked_for(route: APIRoute) -> set[type]:
    hints: dict[str, Any] = get_type_hints(inspect.unwrap(route.endpoint))
    return {hint for hint in hints.values() if isinstance(hint, type)}


class TestRoutes:
    def test_every_route_declares_its_caller(self, app: FastAPI) -> None:
        silent = {
            f"{sorted(route.methods or ())} {route.path}"
            for route in routes(app)
            if route.path not in WITHOUT_CALLER and Actor not in asked_for(route)
        }
        assert silent == set()

    def test_every_session_ends_before_the_answer(self, app: FastAPI) -> None:
        late = {
            route.path
            for route in routes(app)
            for dependency in route.dependant.dependencies
            if asked_for(route) & {Session, ReadSession}
            and inspect.isasyncgenfunction(dependency.call)
            and dependency.scope != "function"
        }
        assert late == set()

    def test_every_route_with_a_session_repeats_and_commits_inside(self, app: FastAPI) -> None:
        assert {
            route.path
            for route in routes(app)
            if asked_for(route) & {Session, ReadSession} and not isinstance(route, EdgeRoute)
        } == set()

    def test_reading_routes_do_not_write(self, app: FastAPI) -> None:
        writing = {
            route.path for route in routes(app) if "GET" in (route.methods or ()) and Session in asked_for(route)
        }
        # Somebody who reads the record of another, or takes a list of people away, leaves an entry in the audit.
        assert all("{" in path or path.endswith("/export.csv") for path in writing), writing

    def test_json_and_pages_do_not_mix(self, app: FastAPI) -> None:
        for route in routes(app):
            if route.path not in WITHOUT_CALLER:
                assert route.path.startswith(API_PREFIX + "/") == route.include_in_schema, route.path

    def test_no_route_hides_another(self, app: FastAPI) -> None:
        seen: set[tuple[str, str]] = set()
        for route in routes(app):
            for method in route.methods or ():
                assert (method, route.path) not in seen, f"{method} {route.path} stands twice"
                seen.add((method, route.path))

    def test_nothing_is_mounted_beside_the_files(self, app: FastAPI) -> None:
        assert [route.path for route in app.routes if isinstance(route, Mount)] == ["/static"]


@pytest.mark.anyio
class TestAnswers:
    async def test_the_first_page(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/", headers={"accept": "text/html"})
        assert answer.status_code == 200
        assert "/sign-in" in answer.text
        assert "unsafe" not in answer.headers["content-security-policy"]

    async def test_an_unknown_page_helps(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/nothing-here", headers={"accept": "text/html"})
        assert answer.status_code == 404
        assert answer.headers["x-request-id"] in answer.text
        assert 'rel="stylesheet"' in answer.text

    async def test_every_page_asks_nobody_to_sign_in_and_comes_back(
        self, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        for path in ("/account", "/offerings"):
            answer = await client.get(path, headers={"accept": "text/html"})
            assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")

    async def test_it_is_ready(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/health/ready")
        assert answer.status_code == 200, answer.text
        assert {check["name"] for check in answer.json()["checks"]} == {
            "database",
            "migrations",
            "jobs",
            "disk",
            "spool",
            "forwards",
        }

    async def test_files_may_be_kept_and_pages_not(self, client: httpx.AsyncClient) -> None:
        page = await client.get("/", headers={"accept": "text/html"})
        assert "no-store" in page.headers["cache-control"]
        script = page.text.partition('src="/static/')[2].partition('"')[0]
        answer = await client.get(f"/static/{script}")
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"

    async def test_interactive_documentation_from_other_sites_is_not_served(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/docs")).status_code == 404
        assert (await client.get("/redoc")).status_code == 404
        assert (await client.get("/api/openapi.json")).status_code == 200
