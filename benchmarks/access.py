"""`academe benchmark access`: what it costs a request that somebody is asked who they are and what they may see.

The roster as JSON with every policy of row-level security, beside the same server without any; and the server's time
for the caller and their permission within one such request: read from the database, and remembered from a moment ago.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import httpx
import psycopg
from psycopg import sql

from academe.academics import policy
from academe.app import create_app
from academe.identity.sign_in import actors
from academe.platform.database.embedded import EmbeddedServer
from academe.platform.database.engine import OWNER_ROLE
from academe.platform.database.session import Database
from benchmarks.framework import Context, Measure, absolute, relative
from benchmarks.roster import CALLER, CONNECTIONS, SECONDS, offering_of
from benchmarks.served import Served, served_demo

ROUNDS: Final = 4
REQUESTS: Final = 1_000
_PROTECTED: Final = "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind IN ('r', 'p')"
_SWITCH: Final = "ALTER TABLE {} {} ROW LEVEL SECURITY"


def measure(context: Context) -> Sequence[Measure]:
    """The rates with and without policies, in turn; then 95 of 100 requests' time for caller and permission."""
    with served_demo(context) as served:
        cookie = served.sign_in(CALLER)
        offering = asyncio.run(offering_of(served))
        path = f"/api/v1/offerings/{offering}/roster?limit=50"
        guarded, open_to_all = [], []
        for number in range(1, ROUNDS + 1):
            context.say(f"Round {number} of {ROUNDS}")
            guarded.append(_rate(served, path, cookie))
            with _without_policies(served):
                open_to_all.append(_rate(served, path, cookie))
        anew = asyncio.run(_times(served, path, cookie, forget=True))
        remembered = asyncio.run(_times(served, path, cookie, forget=False))
    middle = statistics.median
    name = "roster with row-level security, beside without"
    return [
        relative(name, middle(guarded), middle(open_to_all), "requests/s", "at least", 0.85),
        absolute("caller and permission, read anew, p95", _p95(anew), "ms", "at most", 2),
        absolute("the same, remembered, p95", _p95(remembered), "ms", "at most", 2),
    ]


def _rate(served: Served, path: str, cookie: str) -> float:
    return served.rate(path, cookie, "application/json", connections=CONNECTIONS, seconds=SECONDS)


@contextmanager
def _without_policies(served: Served) -> Iterator[None]:
    server = EmbeddedServer(served.settings.data_dir / "postgres")
    with psycopg.connect(server.conninfo(role=OWNER_ROLE), autocommit=True) as connection:
        tables = [name for (name,) in connection.execute(_PROTECTED).fetchall()]
        for table in tables:
            connection.execute(sql.SQL(_SWITCH).format(sql.Identifier(table), sql.SQL("DISABLE")))
        try:
            yield
        finally:
            for table in tables:
                connection.execute(sql.SQL(_SWITCH).format(sql.Identifier(table), sql.SQL("ENABLE")))


async def _times(served: Served, path: str, cookie: str, *, forget: bool) -> list[float]:
    """Seconds of each request that went into finding the caller and asking whether they may."""
    database = Database(served.settings)
    app = create_app(served.settings, database)
    clock = _Clock()
    app.state.resolve_actor = clock.around(app.state.resolve_actor)
    allowed = clock.around_check(policy.can_read_roster)
    address, headers = f"http://{served.host}:{served.port}", {"Cookie": cookie}
    seconds = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=address, headers=headers) as client:
        with mock.patch.object(policy, "can_read_roster", allowed):
            for _ in range(REQUESTS):
                if forget:
                    actors.forget_everybody()
                clock.seconds = 0.0
                (await client.get(path)).raise_for_status()
                seconds.append(clock.seconds)
    await database.close()
    return seconds


class _Clock:
    """Adds up what is spent in the functions that it is put around."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def timed(*arguments: Any) -> Any:
            started = time.perf_counter()
            try:
                return await function(*arguments)
            finally:
                self.seconds += time.perf_counter() - started

        return timed

    def around_check(self, function: Callable[..., bool]) -> Callable[..., bool]:
        def timed(*arguments: Any) -> bool:
            started = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self.seconds += time.perf_counter() - started

        return timed


def _p95(seconds: Sequence[float]) -> float:
    """In milliseconds."""
    return statistics.quantiles(seconds, n=20)[-1] * 1000
