"""The worker behind a pooler that gives each transaction another connection of the server."""

from typing import Any

import psycopg
import pytest

from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.jobs import enqueue
from academe.platform.jobs.queries import job_of
from academe.platform.jobs.types import JobStatus
from academe.platform.settings import PoolKind, Settings
from academe.worker import make_queue
from tests.platform.jobs.kinds import Count, count

pytestmark = pytest.mark.anyio

SYSTEM = system_actor("test")


async def test_nothing_is_left_on_a_connection_for_the_next_transaction(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    prepared: list[bool] = []
    execute = psycopg.AsyncConnection.execute

    async def watched(self: psycopg.AsyncConnection, query: Any, *arguments: Any, **keywords: Any) -> Any:
        if self.info.get_parameters().get("application_name") == "academe-worker":
            sent.append(str(query))
            prepared.append(self.prepare_threshold is not None)
        return await execute(self, query, *arguments, **keywords)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", watched)
    database = Database(own_settings.model_copy(update={"database_pool": PoolKind.NONE}))
    async with database.transaction(SYSTEM) as session:
        job_id = await enqueue(session, actor=SYSTEM, job=count, arguments=Count(to=1))
    await make_queue(database).run(until_empty=True)
    async with database.reading(SYSTEM) as reading:
        assert (await job_of(reading, actor=SYSTEM, job_id=job_id)).status is JobStatus.SUCCEEDED
    await database.close()
    assert sent, "the worker has connections of its own"
    assert not [query for query in sent if "SET ROLE" in query]
    assert not any(prepared)
