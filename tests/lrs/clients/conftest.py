"""The store as clients meet it: served on a port, on a database of the test's own, to a sender with a secret."""

import asyncio
import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from academe.app import create_app
from academe.lrs.senders.service import create_sender
from academe.lrs.senders.types import Scope
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.settings import Settings
from tests.support.browser import served


@dataclass(frozen=True)
class Store:
    """Where the store is, and who may send to it."""

    endpoint: str
    key: str
    secret: str

    @property
    def authorization(self) -> str:
        """The header of Basic credentials."""
        return "Basic " + base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()


async def _secret(settings: Settings) -> str:
    database, actor = Database(settings), system_actor("test")
    try:
        async with database.transaction(actor) as session:
            issued = await create_sender(
                session, actor=actor, name="Client", key="client", home_page=settings.public_url, scopes=[Scope.ALL]
            )
            return issued.secret
    finally:
        await database.close()


@pytest.fixture
def store(own_settings: Settings) -> Iterator[Store]:
    """A store with nothing in it."""
    # In a thread with a loop of its own: where a browser is open, its loop already runs in this one.
    with ThreadPoolExecutor(max_workers=1) as executor:
        secret = executor.submit(asyncio.run, _secret(own_settings)).result()
    with served(create_app(own_settings)) as url:
        yield Store(f"{url}/xapi/", "client", secret)
