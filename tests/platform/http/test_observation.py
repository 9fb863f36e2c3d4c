"""Every answer has an id, a line in the log, a place in the metrics, and the security headers."""

import io
import json
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog
from prometheus_client.registry import REGISTRY
from starlette.responses import StreamingResponse

from academe.platform.http.routing import api_router, page_router
from academe.platform.logging import configure_logging
from academe.platform.settings import Environment, Settings
from tests.platform.http.conftest import COOKIE, Client

pytestmark = pytest.mark.anyio

router = api_router("/trial", tag="trial")
pages = page_router()


@router.get("/people/{person}")
async def person(person: str) -> str:
    return person


@router.get("/fault")
async def fault() -> None:
    raise RuntimeError("a secret of the caller")


@router.get("/broken-off")
async def broken_off() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("in the middle")

    return StreamingResponse(parts())


@router.get("/long")
async def long() -> str:
    return "words " * 1000


@pages.get("/page")
async def page() -> str:
    return "<p>page</p>"


@pytest.fixture
def log(plain_settings: Settings) -> Iterator[io.StringIO]:
    """What is logged, as JSON lines."""
    written = io.StringIO()
    configure_logging(plain_settings.model_copy(update={"log_json": True}), stream=written)
    yield written
    structlog.reset_defaults()


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def measured(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("academe_http_request_seconds_count", labels) or 0.0


class TestRequestId:
    async def test_each_request_has_its_own(self, client: Client) -> None:
        async with client(router) as c:
            ids = {(await c.get("/health/live")).headers["x-request-id"] for _ in range(3)}
        assert len(ids) == 3

    async def test_one_given_by_a_proxy_is_kept(self, client: Client) -> None:
        async with client(router) as c:
            answer = await c.get("/health/live", headers={"X-Request-ID": "proxy-1234.5678"})
        assert answer.headers["x-request-id"] == "proxy-1234.5678"

    @pytest.mark.parametrize("given", ["short", "x" * 65, "line\tfeed-12345", "<script>alert</script>"])
    async def test_a_strange_one_is_replaced(self, client: Client, given: str) -> None:
        async with client(router) as c:
            answer = await c.get("/health/live", headers={"X-Request-ID": given})
        assert answer.headers["x-request-id"] != given


class TestLog:
    async def test_a_request_is_one_line_without_what_was_asked(self, client: Client, log: io.StringIO) -> None:
        async with client(router) as c:
            headers = {"cookie": COOKIE, "user-agent": "Anna's browser"}
            answer = await c.get("/api/v1/trial/people/anna?mail=anna@a.test", headers=headers)
        (line,) = lines(log)
        assert line["event"] == "request"
        assert line["route"] == "/api/v1/trial/people/{person}"
        assert (line["method"], line["status"]) == ("GET", 200)
        assert line["request_id"] == answer.headers["x-request-id"]
        assert "anna" not in log.getvalue().lower()
        assert "127.0.0.1" not in log.getvalue()

    async def test_a_fault_is_logged_once_with_its_frames(self, client: Client, log: io.StringIO) -> None:
        async with client(router) as c:
            answer = await c.get("/api/v1/trial/fault")
        fault_line, request_line = lines(log)
        assert fault_line["event"] == "request.failed"
        assert "in fault" in str(fault_line["exception"])
        assert fault_line["request_id"] == request_line["request_id"] == answer.headers["x-request-id"]
        assert request_line["status"] == 500

    async def test_an_answer_that_breaks_off_is_told_to_the_server(self, client: Client, log: io.StringIO) -> None:
        async with client(router) as c:
            with pytest.raises(RuntimeError, match="in the middle"):
                await c.get("/api/v1/trial/broken-off")
        assert [line["event"] for line in lines(log)] == ["answer.broken_off", "request"]

    async def test_a_path_that_no_route_has_is_not_logged(self, client: Client, log: io.StringIO) -> None:
        async with client(router) as c:
            await c.get("/people/anna.txt")
        (line,) = lines(log)
        assert (line["route"], line["status"]) == ("(none)", 404)


class TestMetrics:
    async def test_requests_are_counted_by_template(self, client: Client) -> None:
        route = "/api/v1/trial/people/{person}"
        before = measured("GET", route, "200")
        async with client(router) as c:
            await c.get("/api/v1/trial/people/anna")
            await c.get("/api/v1/trial/people/bela")
        assert measured("GET", route, "200") == before + 2

    async def test_made_up_methods_make_no_new_series(self, client: Client) -> None:
        async with client(router) as c:
            await c.request("BREW", "/api/v1/trial/fault")
        assert measured("BREW", "/api/v1/trial/fault", "405") == 0
        assert measured("OTHER", "/api/v1/trial/fault", "405") >= 1


class TestSecurityHeaders:
    async def test_on_every_answer(self, client: Client) -> None:
        async with client(router, pages) as c:
            answers = [await c.get(path) for path in ("/page", "/nothing", "/api/v1/trial/fault")]
        for answer in answers:
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["cross-origin-opener-policy"] == "same-origin"
            assert answer.headers["permissions-policy"]
            assert "server" not in answer.headers
            assert "strict-transport-security" not in answer.headers

    async def test_https_is_insisted_upon_in_production(self, client: Client, plain_settings: Settings) -> None:
        settings = plain_settings.model_copy(update={"environment": Environment.PRODUCTION})
        async with client(pages, settings=settings) as c:
            answer = await c.get("/page")
        assert answer.headers["strict-transport-security"].startswith("max-age=63072000")


class TestCompression:
    async def test_long_answers_are_compressed_for_who_can_read_it(self, client: Client) -> None:
        async with client(router) as c:
            packed = await c.get("/api/v1/trial/long", headers={"accept-encoding": "gzip"})
            plain = await c.get("/api/v1/trial/long", headers={"accept-encoding": "identity"})
            short = await c.get("/health/live", headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert "content-encoding" not in short.headers
        assert packed.text == plain.text
