"""A client of the handlers for each version."""

import pytest

from academe.lrs.xapi.versions import Version
from tests.lrs.documents.calls import Client
from tests.support.transactions import JoinedDatabase


@pytest.fixture(params=list(Version), ids=lambda version: str(version.value))
def client(request: pytest.FixtureRequest, database: JoinedDatabase) -> Client:
    """A client of each version in turn."""
    return Client(database, request.param)


@pytest.fixture
def one(database: JoinedDatabase) -> Client:
    """A client of 1.0.3."""
    return Client(database, Version.ONE)


@pytest.fixture
def two(database: JoinedDatabase) -> Client:
    """A client of 2.0."""
    return Client(database, Version.TWO)
