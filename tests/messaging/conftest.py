"""Somebody who is told things, and clients of the whole application."""

import pytest

from tests.schools import School, TwoSchools
from tests.support.client import ClientOf, clients_of
from tests.support.transactions import JoinedDatabase


@pytest.fixture
def client_of(database: JoinedDatabase) -> ClientOf:
    """`client_of(actor)` acts as that actor, without a sign-in; `client_of()` as nobody."""
    return clients_of(database)


@pytest.fixture
def home(two_schools: TwoSchools) -> School:
    """The school whose people the test is about."""
    return two_schools.home


@pytest.fixture
def away(two_schools: TwoSchools) -> School:
    """The school next door."""
    return two_schools.away
