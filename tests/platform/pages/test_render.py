"""Pages as they are answered: whole or in part, with their surroundings and messages."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from academe.platform.http.routing import page_router
from academe.platform.pages import FlashMessage, PageKit, redirect, render, render_error
from academe.platform.pages.flash import FLASH_COOKIE, FlashSigner

pytestmark = pytest.mark.anyio

HTMX = {"HX-Request": "true"}


class TestWholePage:
    async def test_has_title_navigation_and_person(self, client: httpx.AsyncClient) -> None:
        html = (await client.get("/styleguide")).text
        assert "<title>Style guide · Academe</title>" in html
        assert 'href="/worklist"' in html
        assert "Ada Okafor" in html
        assert "Test University" in html

    async def test_marks_the_current_page_in_both_navigations(self, client: httpx.AsyncClient) -> None:
        html = (await client.get("/styleguide")).text
        assert html.count('<a href="/styleguide" aria-current="page"><svg') == 2

    async def test_shows_no_entry_that_the_actor_may_not_use(self, client: httpx.AsyncClient) -> None:
        assert 'href="/models"' not in (await client.get("/styleguide")).text

    async def test_is_kept_by_no_cache(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/styleguide")
        assert response.headers["cache-control"] == "no-store"
        assert "HX-Request" in response.headers["vary"]

    async def test_hashed_files_are_kept_for_ever(self, client: httpx.AsyncClient, kit: PageKit) -> None:
        response = await client.get(kit.assets.url("style.css"))
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]

    async def test_the_manifest_is_not_kept_for_ever(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/static/dist/manifest.json")
        assert "immutable" not in response.headers["cache-control"]


class TestFragment:
    async def test_htmx_gets_the_block_alone(self, client: httpx.AsyncClient) -> None:
        html = (await client.get("/styleguide?sort=student", headers=HTMX)).text
        assert html.strip().startswith('<div id="sample-students"')
        assert "<title>" not in html

    @pytest.mark.parametrize("name", ["HX-Boosted", "HX-History-Restore-Request"])
    async def test_navigation_by_htmx_gets_the_whole_page(self, client: httpx.AsyncClient, name: str) -> None:
        html = (await client.get("/styleguide", headers=HTMX | {name: "true"})).text
        assert "<title>" in html

    async def test_progress_asks_again_until_it_is_done(self, client: httpx.AsyncClient) -> None:
        running = (await client.get("/styleguide/progress?step=3", headers=HTMX)).text
        done = (await client.get("/styleguide/progress?step=11", headers=HTMX)).text
        assert 'hx-trigger="every 1s"' in running
        assert "hx-trigger" not in done


class TestMessages:
    async def test_a_message_is_shown_once_after_the_redirect(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/styleguide/toast", data={"kind": "warning"})
        assert answer.status_code == 303
        first = (await client.get("/styleguide")).text
        second = (await client.get("/styleguide")).text
        text = "This is how a message looks after a redirect."
        assert first.count(text) == 1
        assert text not in second

    async def test_htmx_gets_it_as_an_event(self, client: httpx.AsyncClient) -> None:
        await client.post("/styleguide/toast", data={"kind": "success"})
        response = await client.get("/styleguide", headers=HTMX)
        assert "academe:toasts" in response.headers["hx-trigger"]

    async def test_a_forged_cookie_says_nothing(self, client: httpx.AsyncClient) -> None:
        forged = FlashSigner("another secret").seal((FlashMessage("danger", "Send money"),))
        client.cookies.set(FLASH_COOKIE, forged)
        assert "Send money" not in (await client.get("/styleguide")).text

    def test_an_altered_value_opens_to_nothing(self) -> None:
        signer = FlashSigner("secret")
        sealed = signer.seal((FlashMessage("success", "Saved"),))
        assert signer.open(sealed) == (FlashMessage("success", "Saved"),)
        assert signer.open("x" + sealed) == ()
        assert signer.open("nonsense") == ()

    def test_an_old_message_is_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        signer = FlashSigner("secret")
        sealed = signer.seal((FlashMessage("success", "Saved"),))
        monkeypatch.setattr("academe.platform.pages.flash.time.time", lambda: 4e9)
        assert signer.open(sealed) == ()

    @pytest.mark.parametrize("address", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:go()"])
    def test_a_redirect_never_leaves_the_application(self, address: str) -> None:
        with pytest.raises(ValueError, match="stay within"):
            redirect(Request({"type": "http"}), address)


class TestForm:
    async def test_errors_come_back_beside_their_fields(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/styleguide", data={"name": "AB", "email": "me@example.org", "weight": "120"})
        assert response.status_code == 422
        assert "Please correct 2 things" in response.text
        assert 'aria-describedby="hint-weight error-weight"' in response.text
        assert 'value="AB"' in response.text
        assert "Please give 100 or less." in response.text

    async def test_valid_input_redirects(self, client: httpx.AsyncClient) -> None:
        values = {"name": "Essay", "email": "me@example.org", "weight": "20"}
        response = await client.post("/styleguide", data=values)
        assert response.status_code == 303
        assert response.headers["location"] == "/styleguide#forms"


class TestErrorPages:
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 418, 422, 429, 500, 503, 507])
    async def test_says_what_happened_and_what_to_do(self, make_app: Callable[..., FastAPI], status: int) -> None:
        router = page_router()

        @router.get("/fails")
        async def fail(request: Request) -> Response:
            return render_error(request, status, detail="The third line is empty.", request_id="r-17")

        response = await get(make_app, router, "/fails")
        assert response.status_code == status
        assert "The third line is empty." in response.text
        assert f"Error {status}" in response.text
        assert "r-17" in response.text
        assert 'href="/"' in response.text


class TestMistakesOfAuthors:
    def test_a_context_that_is_no_dataclass(self, make_app: Callable[..., FastAPI]) -> None:
        with pytest.raises(TypeError, match="must be a dataclass instance"):
            render(request_of(make_app()), "platform/styleguide.html", {"a": 1})

    def test_a_route_that_forgets_its_caller(self, make_app: Callable[..., FastAPI]) -> None:
        with pytest.raises(RuntimeError, match="CurrentActor or SignedIn"):
            render(request_of(make_app()), "platform/styleguide.html", Nothing())


@dataclass(frozen=True, slots=True)
class Nothing:
    """A page without context."""


def request_of(app: FastAPI) -> Request:
    scope = {"type": "http", "method": "GET", "path": "/page", "query_string": b"", "headers": [], "app": app}
    return Request(scope)


async def get(make_app: Callable[..., FastAPI], router: APIRouter, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(make_app(router))
    async with httpx.AsyncClient(transport=transport, base_url="http://academe.test") as client:
        return await client.get(path)
