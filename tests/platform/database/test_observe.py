"""Statements are counted by operation and table, slow ones logged without their parameters, the pool measured."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client.registry import REGISTRY
from sqlalchemy import text

from academe.platform.actor import system_actor
from academe.platform.database.observe import label_of, observe
from academe.platform.database.session import Database
from academe.platform.logging import configure_logging
from academe.platform.settings import Settings


class TestLabels:
    @pytest.mark.parametrize(
        ("statement", "operation", "table"),
        [
            ("SELECT id FROM enrollment WHERE id = 1", "select", "enrollment"),
            ('select "x" from "user" u', "select", "user"),
            ("/* hint */ SELECT 1", "select", ""),
            ("INSERT INTO attendance (a) SELECT b FROM other", "insert", "attendance"),
            ("UPDATE job SET status = 'x' FROM other", "update", "job"),
            ("DELETE FROM ONLY job", "delete", "job"),
            ("COPY staging FROM STDIN", "copy", "staging"),
            ("WITH x AS (SELECT 1 FROM inner_table) SELECT * FROM x", "select", "inner_table"),
            ("WITH x AS MATERIALIZED (SELECT 1) SELECT * FROM x JOIN term t ON true", "select", ""),
            ("WITH x AS (DELETE FROM job RETURNING id) SELECT * FROM x", "delete", "job"),
            ("SET LOCAL statement_timeout = 1", "other", ""),
            ("CREATE TABLE x ()", "other", ""),
            ("", "other", ""),
        ],
    )
    def test_name_the_operation_and_the_table(self, statement: str, operation: str, table: str) -> None:
        assert label_of(statement) == (operation, table)


@pytest.fixture
def log(settings: Settings) -> Iterator[io.StringIO]:
    before = structlog.get_config()
    written = io.StringIO()
    configure_logging(settings.model_copy(update={"log_json": True}), stream=written)
    yield written
    structlog.configure(**before)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.anyio
class TestObserve:
    async def test_durations_by_table(self, own_database: Database) -> None:
        observe(own_database)
        labels = {"operation": "select", "table": "pg_class"}
        before = sample("academe_database_query_seconds_count", **labels)
        async with own_database.reading(system_actor("test")) as session:
            await session.execute(text("SELECT count(*) FROM pg_class"))
        assert sample("academe_database_query_seconds_count", **labels) == before + 1

    async def test_a_slow_statement_is_logged_without_its_parameters(
        self, own_settings: Settings, log: io.StringIO
    ) -> None:
        settings = own_settings.model_copy(update={"database_slow_query_milliseconds": 20})
        database = Database(settings)
        observe(database)
        before = sample("academe_database_slow_queries_total", operation="select", table="pg_class")
        async with database.reading(system_actor("test")) as session:
            statement = "SELECT pg_sleep(0.05), :name\n FROM pg_class LIMIT 1"
            await session.execute(text(statement), {"name": "Anna"})
        await database.close()
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        (slow,) = [line for line in lines if line["event"] == "database.statement_slow"]
        assert slow["milliseconds"] >= 50
        assert slow["table"] == "pg_class"
        assert "pg_sleep" in slow["sql"]
        assert "\n" not in slow["sql"]
        assert "Anna" not in log.getvalue()
        assert sample("academe_database_slow_queries_total", operation="select", table="pg_class") == before + 1

    async def test_connections_open_and_in_use(self, own_database: Database) -> None:
        observe(own_database)
        opened, used = "academe_database_connections_open", "academe_database_connections_in_use"
        before = sample(opened, pool="primary"), sample(used, pool="primary")
        async with own_database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            assert (sample(opened, pool="primary"), sample(used, pool="primary")) == (before[0] + 1, before[1] + 1)
        assert (sample(opened, pool="primary"), sample(used, pool="primary")) == (before[0] + 1, before[1])
        await own_database.close()
        assert sample(opened, pool="primary") == before[0]
