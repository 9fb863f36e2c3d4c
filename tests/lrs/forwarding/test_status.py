"""What health and metrics say of forwards."""

from datetime import UTC, datetime

import httpx
import pytest

from academe.app import create_app
from tests.lrs.forwarding.misbehaving import accepting, answering, misbehaving
from tests.lrs.forwarding.stores import Here, statement

pytestmark = pytest.mark.anyio

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def asked(here: Here, address: str) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(here.database.settings, here.database), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://here.test") as client:
        return await client.get(address)


async def check(here: Here) -> str:
    answer = await asked(here, "/health/ready")
    assert answer.status_code == 200, answer.text
    (found,) = (each for each in answer.json()["checks"] if each["name"] == "forwards")
    assert found["ok"]
    return str(found["detail"])


async def test_health_tells_how_forwards_do_and_stays_well(here: Here) -> None:
    assert await check(here) == "none"
    await here.send(statement(1))
    async with misbehaving(answering(500)) as failing, misbehaving(accepting) as well:
        await here.turn(await here.add_forward(failing.endpoint, since=LONG_AGO))
        await here.turn(await here.add_forward(well.endpoint, since=LONG_AGO))
    assert (await check(here)).startswith("1 active, 1 failing; at most ")


async def test_metrics_have_each_forward(here: Here) -> None:
    await here.send(statement(1), statement(2))
    async with misbehaving(accepting) as store:
        forward = await here.add_forward(store.endpoint, since=LONG_AGO)
        await here.turn(forward)
    figures = (await asked(here, "/metrics")).text
    for name, value in (("delivered", 2), ("behind_seconds", 0), ("dead_letters", 0), ("is_failing", 0)):
        assert f'academe_xapi_forward_{name}{{forward="{forward}"}} {value:.1f}' in figures


async def test_metrics_are_told_without_the_database(here: Here) -> None:
    there = here.database.settings.database_url
    assert there is not None
    gone = str(there).replace("academe_", "no_academe_")
    settings = here.database.settings.model_copy(update={"database_url": gone})
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(settings, type(here.database)(settings)), client=("127.0.0.1", 1)),
        base_url="http://here.test",
    ) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert "academe_xapi_spool_statements" in answer.text
    assert "academe_xapi_forward_delivered" not in answer.text
