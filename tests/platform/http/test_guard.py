"""What never reaches a route."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request

from academe.platform.http.cookies import cookie_value, session_cookie_name
from academe.platform.http.cross_site import comes_from_elsewhere
from academe.platform.http.dependencies import CurrentActor
from academe.platform.http.guard import GuardMiddleware
from academe.platform.http.rate_limit import TokenBuckets, network_of
from academe.platform.http.routing import api_router, page_router
from academe.platform.settings import Settings
from tests.platform.http.conftest import COOKIE, Client

router = api_router("/trial", tag="trial")
pages = page_router()


@router.get("/thing")
async def show(actor: CurrentActor) -> str:
    return actor.kind.value


@router.post("/thing")
async def change() -> str:
    return "changed"


@router.post("/echo")
async def echo(request: Request) -> int:
    return len(await request.body())


@pages.post("/sign-in")
async def sign_in() -> str:
    return "no"


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


class TestCrossSite:
    @pytest.mark.parametrize(
        ("headers", "has_session", "refused"),
        [
            ({b"sec-fetch-site": b"same-origin"}, True, False),
            ({b"sec-fetch-site": b"none"}, True, False),
            ({b"sec-fetch-site": b"cross-site"}, False, True),
            ({b"sec-fetch-site": b"same-site"}, True, True),
            ({b"sec-fetch-site": b"cross-site", b"origin": b"http://a.test", b"host": b"a.test"}, True, True),
            ({b"origin": b"http://a.test", b"host": b"a.test"}, True, False),
            ({b"origin": b"https://a.test:8443", b"host": b"A.test:8443"}, True, False),
            ({b"origin": b"http://a.test:81", b"host": b"a.test"}, True, True),
            ({b"origin": b"http://a.test.evil.test", b"host": b"a.test"}, True, True),
            ({b"origin": b"http://evil.test/a.test", b"host": b"a.test"}, True, True),
            ({b"origin": b"null", b"host": b"a.test"}, False, True),
            ({b"origin": b"null", b"host": b""}, True, False),
            ({}, True, True),
            ({}, False, False),
            ({b"authorization": b"Bearer x", b"sec-fetch-site": b"cross-site"}, True, False),
            ({b"authorization": b"Basic x", b"sec-fetch-site": b"cross-site"}, True, True),
        ],
    )
    def test_the_browser_says_where_it_comes_from(
        self, headers: dict[bytes, bytes], has_session: bool, refused: bool
    ) -> None:
        assert comes_from_elsewhere(headers, has_session=has_session) is refused

    @pytest.mark.anyio
    async def test_a_form_of_another_site_changes_nothing(self, client: Client) -> None:
        headers = {"cookie": COOKIE, "origin": "https://evil.test"}
        async with client(router) as c:
            refused = await c.post("/api/v1/trial/thing", headers=headers)
            own = await c.post("/api/v1/trial/thing", headers=headers | {"origin": "http://academe.test"})
            read = await c.get("/api/v1/trial/thing", headers=headers)
        assert refused.status_code == 403
        assert refused.json()["type"] == "urn:academe:problem:cross-site-request"
        assert (own.status_code, read.status_code) == (200, 200)


class TestTokenBuckets:
    def test_a_minute_at_once_then_evenly(self) -> None:
        clock = Clock()
        buckets = TokenBuckets(60, clock=clock)
        assert [buckets.take("a") for _ in range(60)] == [0.0] * 60
        assert buckets.take("a") == pytest.approx(1.0)
        clock.time += 1.01
        assert buckets.take("a") == 0.0
        assert buckets.take("a") > 0

    def test_each_key_has_its_own(self) -> None:
        buckets = TokenBuckets(1, clock=Clock())
        assert (buckets.take("a"), buckets.take("b")) == (0.0, 0.0)
        assert buckets.take("a") > 0

    def test_memory_is_bounded(self) -> None:
        buckets = TokenBuckets(10, most=100, clock=Clock())
        for number in range(1000):
            buckets.take(number)
        assert len(buckets) == 100
        assert 999 in buckets

    def test_refusing_does_not_make_room_for_more(self) -> None:
        clock = Clock()
        buckets = TokenBuckets(1, clock=clock)
        buckets.take("a")
        for _ in range(10):
            assert buckets.take("a") == pytest.approx(60.0)

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3::4", "20010db800010002"),
            ("2001:db8:1:2:ffff::9", "20010db800010002"),
            ("unix", "unix"),
        ],
    )
    def test_an_ipv6_subscriber_is_one_visitor(self, address: str, network: str) -> None:
        assert network_of(address) == network


def limited(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update=changes)


@pytest.mark.anyio
class TestRateLimit:
    async def test_too_many_requests_are_told_when_to_come_back(self, client: Client, plain_settings: Settings) -> None:
        settings = limited(plain_settings, rate_limit_per_minute=2)
        async with client(router, settings=settings) as c:
            statuses = [(await c.get("/api/v1/trial/thing")).status_code for _ in range(3)]
            refused = await c.get("/api/v1/trial/thing")
        assert statuses == [200, 200, 429]
        assert 1 <= int(refused.headers["retry-after"]) <= 30

    async def test_health_is_never_refused(self, client: Client, plain_settings: Settings) -> None:
        settings = limited(plain_settings, rate_limit_per_minute=1)
        async with client(router, settings=settings) as c:
            assert {(await c.get("/health/live")).status_code for _ in range(5)} == {200}

    async def test_sign_in_is_limited_more_strictly(self, client: Client, plain_settings: Settings) -> None:
        settings = limited(plain_settings, sign_in_limit_per_minute=1)
        async with client(router, pages, settings=settings) as c:
            first, second = await c.post("/sign-in"), await c.post("/sign-in")
            other = await c.get("/api/v1/trial/thing")
        assert (first.status_code, second.status_code, other.status_code) == (200, 429, 200)

    async def test_a_session_has_its_own_bucket_once_it_is_real(self, client: Client, plain_settings: Settings) -> None:
        settings = limited(plain_settings, rate_limit_per_minute=3)
        async with client(router, settings=settings) as c:
            mine = {"cookie": COOKIE}
            assert (await c.get("/api/v1/trial/thing", headers=mine)).json() == "person"
            others = [(await c.get("/api/v1/trial/thing")).status_code for _ in range(3)]
            again = await c.get("/api/v1/trial/thing", headers=mine)
        assert others == [200, 200, 429]
        assert again.status_code == 200

    async def test_made_up_cookies_do_not_help(self, plain_settings: Settings) -> None:
        async def nobody(scope: object, receive: object, send: object) -> None:
            await answer_empty(send)

        guard = GuardMiddleware(nobody, settings=limited(plain_settings, rate_limit_per_minute=2))
        transport = httpx.ASGITransport(guard)
        async with httpx.AsyncClient(transport=transport, base_url="http://academe.test") as c:
            statuses = [
                (await c.get("/", headers={"cookie": f"academe_session={number}"})).status_code for number in range(4)
            ]
        assert statuses == [204, 204, 429, 429]


async def answer_empty(send: object) -> None:
    assert callable(send)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.anyio
class TestBodySize:
    async def test_a_large_body_is_refused_by_its_announcement(self, client: Client) -> None:
        async with client(router) as c:
            answer = await c.post("/api/v1/trial/echo", content=b"x" * (2 * 2**20 + 1))
        assert answer.status_code == 413
        assert "2 MiB" in answer.json()["detail"]

    async def test_a_body_that_does_not_say_its_size_is_counted(self, client: Client) -> None:
        async def stream() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"x" * 2**20

        async with client(router) as c:
            answer = await c.post("/api/v1/trial/echo", content=stream())
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_an_upload_may_be_larger(self, client: Client, plain_settings: Settings) -> None:
        settings = limited(plain_settings, upload_limit_mebibytes=3)
        async with client(router, settings=settings) as c:
            accepted = await c.post("/api/v1/trial/echo", files={"file": b"x" * 3 * 2**20})
            refused = await c.post("/api/v1/trial/echo", files={"file": b"x" * 5 * 2**20})
        assert (accepted.status_code, refused.status_code) == (200, 413)


@pytest.mark.anyio
class TestHosts:
    @pytest.mark.parametrize(
        ("host", "status"),
        [
            ("academe.test", 200),
            ("ACADEME.test:8000", 200),
            ("a.school.test", 200),
            ("school.test.evil.test", 400),
            ("evil.test", 400),
            ("", 400),
        ],
    )
    async def test_only_known_hosts_are_answered(
        self, client: Client, plain_settings: Settings, host: str, status: int
    ) -> None:
        settings = limited(plain_settings, allowed_hosts=("academe.test", "*.school.test"))
        async with client(router, settings=settings) as c:
            answer = await c.get("/api/v1/trial/thing", headers={"host": host})
        assert answer.status_code == status


class TestCookies:
    def test_the_value_of_one_cookie(self) -> None:
        header = b"a=1; academe_session=x=y; other=academe_session=z"
        assert cookie_value(header, b"academe_session") == b"x=y"
        assert cookie_value(header, b"session") is None
        assert cookie_value(b"academe_session=", b"academe_session") is None

    def test_over_https_other_hosts_cannot_set_it(self, plain_settings: Settings) -> None:
        assert session_cookie_name(plain_settings) == "academe_session"
        secured = limited(plain_settings, secure_cookies=True)
        assert session_cookie_name(secured) == "__Host-academe_session"
