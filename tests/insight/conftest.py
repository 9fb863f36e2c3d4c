"""Two schools with scores, a client that acts as anybody of them, and the day that all of it is about."""

from collections.abc import AsyncIterator

import pytest

from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from tests.academics.conftest import ClientOf, client_of
from tests.insight.scores import NOW, ScoredSchool, score_school
from tests.schools import TwoSchools
from tests.support.transactions import as_actor

__all__ = ["ClientOf", "client_of"]


@pytest.fixture
async def scored(session: Session, two_schools: TwoSchools) -> ScoredSchool:
    """The home school with its scores; the school next door has its own."""
    async with as_actor(session, system_actor("score two schools")):
        await score_school(session, two_schools.away)
        return await score_school(session, two_schools.home)


@pytest.fixture
async def in_week_seven() -> AsyncIterator[None]:
    """Let it be a day in week 7 of teaching."""
    with clock.frozen(NOW):
        yield
