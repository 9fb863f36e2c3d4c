"""From a statement that a tool sends to the timeline that the advisor reads: through every module on the way."""

from datetime import timedelta

import pytest

from academe.insight.rollup import sum_recorded_activity
from academe.lrs.facts import ActivityRecorded
from academe.lrs.rollup.follower import step
from academe.lrs.statements.shared import Shared
from academe.lrs.statements.store import store, take_turn
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from academe.platform.settings import Settings
from academe.worker import resolvers_of
from tests.insight.conftest import ClientOf
from tests.insight.scores import NOW, ScoredSchool
from tests.lrs.statements.brought import a_statement, batch_of
from tests.schools import STARTS_ON, TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("named", ["number", "address"])
async def test_a_statement_reaches_the_timeline(
    session: Session,
    settings: Settings,
    two_schools: TwoSchools,
    scored: ScoredSchool,
    client_of: ClientOf,
    named: str,
) -> None:
    school = two_schools.home
    school.students[0].number = "a number that no other school has"
    await session.flush()
    home = settings.public_url
    accounts = {
        "number": {"account": {"homePage": home, "name": school.students[0].number}},
        "address": {"mbox": f"mailto:{school.accounts['student0'].email.upper()}"},
    }
    statement = a_statement(
        actor=accounts[named],
        object={"id": "https://lab.example.com/7", "definition": {"type": "http://example.com/types/virtual-lab"}},
        context={"contextActivities": {"grouping": [{"id": f"{home}/offerings/{school.offering.id}"}]}},
        timestamp=f"{STARTS_ON + timedelta(days=9)}T10:00:00Z",
    )
    batch = batch_of(statement)
    async with as_actor(session, system_actor("a test")):
        connection = await session.connection()
        await take_turn(connection)
        await store(connection, Shared(), [batch], batch.statements)
        assert await step(session, resolvers_of(settings)) is not None
        await sum_recorded_activity(session, [ActivityRecorded(school.offering.id, (school.people["student0"].id,))])
    with clock.frozen(NOW):
        client = client_of(school.actor("advisor"), browser=True)
        page = await client.get(f"/students/{school.students[0].id}")
    assert page.status_code == 200
    assert "1 learning record from other tools" in page.text
    assert "virtual lab" in page.text
