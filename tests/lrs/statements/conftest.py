"""A keeper and a reader of statements."""

import pytest

from academe.lrs.xapi.versions import Version
from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import Session
from tests.lrs.statements.kept import Keeper, Reader
from tests.support.transactions import JoinedDatabase


@pytest.fixture
def actor() -> Actor:
    """The store itself, which alone reads and writes its tables."""
    return system_actor("lrs")


@pytest.fixture
def keeper(session: Session) -> Keeper:
    """Stores statements in the transaction of the test."""
    return Keeper(session)


@pytest.fixture(params=list(Version), ids=lambda version: str(version.value))
def reader(request: pytest.FixtureRequest, database: JoinedDatabase) -> Reader:
    """A reader of each version in turn."""
    return Reader(database, request.param)


@pytest.fixture
def two(database: JoinedDatabase) -> Reader:
    """A reader of 2.0."""
    return Reader(database)
