"""A store with a spool of its own, whose database is behind a wire that can be cut."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from academe.lrs.http.endpoint import XapiEndpoint
from academe.lrs.senders.service import create_sender
from academe.lrs.senders.types import Scope
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.settings import Settings
from tests.lrs.spool.wire import Wire
from tests.support.databases import ServerOfTests

SYSTEM = system_actor("a test")


class Store:
    """What one server process has, and a client that may send to it."""

    def __init__(self, settings: Settings, auth: tuple[str, str]) -> None:
        self.settings = settings
        self.database = Database(settings)
        self.endpoint = XapiEndpoint(settings, lambda: self.database)
        self.app = self.endpoint.edge()(PlainTextResponse("the application"))
        self.client = self.client_of(auth)

    def client_of(self, auth: tuple[str, str] | None) -> httpx.AsyncClient:
        """A client with these credentials."""
        headers = {"X-Experience-API-Version": "2.0.0"}
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://lrs/xapi", auth=auth, headers=headers)

    @property
    def files(self) -> list[Path]:
        """What lies in the folder of the spool, by name."""
        folder = self.settings.data_dir / "spool"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    async def known(self) -> None:
        """Let the sender be known, as it is to a server that has run for a while."""
        assert (await self.client.get("/statements", params={"limit": "1"})).status_code == 200

    async def drained(self) -> None:
        """Wait until nothing waits any more."""
        for _ in range(400):
            if not [path for path in self.files if path.suffix == ".spool"]:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the spool was not stored within 20 s")

    async def ids(self) -> list[str]:
        """Every statement, in the order in which they are stored."""
        answer = await self.client.get("/statements", params={"ascending": "true"})
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["statements"]]


NewStore = Callable[..., Any]


@pytest.fixture
async def wire(own_settings: Settings) -> AsyncIterator[Wire]:
    """The way to the test's own database."""
    wire = Wire(str(own_settings.database_url))
    await wire.mend()
    yield wire
    await wire.cut()


@pytest.fixture
def settings_of(own_settings: Settings, server: ServerOfTests, wire: Wire, tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a server with a spool in a folder of the test's own."""
    name = str(own_settings.database_url).rpartition("/")[2].partition("?")[0]

    def settings_of(**more: Any) -> Settings:
        values = {"data_dir": tmp_path, "database_url": wire.address, "xapi_spool_mebibytes": 64, **more}
        return server.settings(name, **values)

    return settings_of


@pytest.fixture
async def auth(own_database: Database) -> tuple[str, str]:
    """The key and secret of a sender that may do everything."""
    async with own_database.transaction(SYSTEM) as session:
        issued = await create_sender(
            session, actor=SYSTEM, name="A test", home_page="https://campus.example.edu", scopes=[Scope.ALL]
        )
        return issued.sender.key, issued.secret


@pytest.fixture
def opened(auth: tuple[str, str], settings_of: Callable[..., Settings]) -> NewStore:
    """`async with opened() as store` runs a server process' store until the block ends, as a stop would end it."""

    @asynccontextmanager
    async def opened(**more: Any) -> AsyncIterator[Store]:
        store = Store(settings_of(**more), auth)
        try:
            async with store.endpoint.running(), store.client:
                yield store
        finally:
            await store.database.close()

    return opened


@pytest.fixture
async def store(opened: NewStore, wire: Wire) -> AsyncIterator[Store]:
    """A store that runs, and knows its sender."""
    async with opened() as store:
        await store.known()
        yield store
