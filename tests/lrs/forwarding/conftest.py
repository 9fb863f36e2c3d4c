"""This store with a sender, and another Academe on a port."""

from collections.abc import Iterator

import pytest

from academe.app import create_app
from academe.platform.database.session import Database
from tests.lrs.forwarding.kept import kept
from tests.lrs.forwarding.stores import Here, There, secret_in
from tests.lrs.senders.conftest import operator
from tests.support.browser import served
from tests.support.databases import ServerOfTests

__all__ = ["kept", "operator"]


@pytest.fixture
async def here(own_database: Database) -> Here:
    here = Here(own_database)
    await here.add_sender("sender")
    return here


@pytest.fixture
def there(server: ServerOfTests, worker_id: str, request: pytest.FixtureRequest) -> Iterator[There]:
    name = f"academe_{worker_id}_there_{abs(hash(request.node.nodeid)):x}"
    settings = server.clone(name)
    secret = secret_in(settings, "forward")
    with served(create_app(settings)) as url:
        yield There(f"{url}/xapi", "forward", secret)
    server.drop(name)
