"""The index finds the route that the framework would have found, by asking few."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, NoMatchFound, Route

from academe.platform.http.route_index import RouteIndex


def named(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        return PlainTextResponse(name)

    return answer


def route(path: str, *methods: str) -> Route:
    return Route(path, named(path), methods=list(methods or ("GET",)), name=path)


ROUTES = [
    route("/"),
    route("/offerings"),
    route("/offerings", "POST"),
    route("/offerings/{offering_id}"),
    route("/offerings/{offering_id}", "DELETE"),
    route("/offerings/new"),
    route("/offerings/{offering_id}/roster"),
    route("/{page}"),
    route("/files/{path:path}"),
]
INDEX = RouteIndex(ROUTES)


def asked(path: str, method: str = "GET") -> tuple[Match, str, dict[str, Any]]:
    scope = {"type": "http", "path": path, "method": method, "root_path": "", "headers": []}
    match, child = INDEX.matches(scope)
    chosen = child.get("academe.route")
    return match, chosen.path if chosen else "", child.get("path_params", {})


class TestMatches:
    @pytest.mark.parametrize(
        ("path", "found", "parameters"),
        [
            ("/", "/", {}),
            ("/offerings", "/offerings", {}),
            ("/offerings/7", "/offerings/{offering_id}", {"offering_id": "7"}),
            ("/offerings/7/roster", "/offerings/{offering_id}/roster", {"offering_id": "7"}),
            ("/about", "/{page}", {"page": "about"}),
            ("/files/a/b/c.txt", "/files/{path:path}", {"path": "a/b/c.txt"}),
        ],
    )
    def test_finds_the_route_and_its_parameters(self, path: str, found: str, parameters: dict[str, str]) -> None:
        assert asked(path) == (Match.FULL, found, parameters)

    def test_a_fixed_path_goes_before_a_parameter_whatever_the_order(self) -> None:
        assert asked("/offerings/new")[1] == "/offerings/new"

    def test_the_method_decides_between_routes_of_one_path(self) -> None:
        match, found, _ = asked("/offerings/7", "DELETE")
        assert (match, found) == (Match.FULL, "/offerings/{offering_id}")

    def test_a_path_without_the_method_is_left_to_say_405(self) -> None:
        match, found, _ = asked("/offerings/new", "PUT")
        assert (match, found) == (Match.PARTIAL, "/offerings/new")

    @pytest.mark.parametrize("path", ["/a/b", "/offerings/7/roster/x", "/offerings/7/", ""])
    def test_an_unknown_path_is_none(self, path: str) -> None:
        assert asked(path)[0] is Match.NONE

    @pytest.mark.parametrize("path", ["/", "/offerings", "/offerings/7", "/offerings/new/roster", "/x", "/x/y"])
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_agrees_with_asking_every_route(self, path: str, method: str) -> None:
        scope = {"type": "http", "path": path, "method": method, "root_path": "", "headers": []}
        every = {each.matches(dict(scope))[0] for each in ROUTES}
        best = max(every, key=lambda match: match.value)
        assert asked(path, method)[0] is best

    def test_web_sockets_are_not_ours(self) -> None:
        assert INDEX.matches({"type": "websocket", "path": "/"})[0] is Match.NONE


class TestUrlPathFor:
    def test_is_that_of_the_route(self) -> None:
        assert INDEX.url_path_for("/offerings/{offering_id}/roster", offering_id="7") == "/offerings/7/roster"

    def test_of_no_route_is_an_error(self) -> None:
        with pytest.raises(NoMatchFound):
            INDEX.url_path_for("nowhere")
