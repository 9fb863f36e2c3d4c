"""A browser's client of the whole application that acts as whoever is given."""

import pytest

from tests.support.client import ClientOf, clients_of
from tests.support.transactions import JoinedDatabase

__all__ = ["ClientOf"]


@pytest.fixture
def client_of(database: JoinedDatabase) -> ClientOf:
    """`client_of(actor)` acts as that actor, without a sign-in; `client_of()` as nobody."""
    return clients_of(database)
