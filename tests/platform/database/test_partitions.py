"""Partitions are made by the month, ahead of time, by the database alone."""

from datetime import UTC, date, datetime

import pytest
from psycopg.errors import RestrictViolation
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from academe.platform import clock
from academe.platform.actor import ANONYMOUS, system_actor
from academe.platform.database.partitions import ensure_ahead, ensure_months, later
from academe.platform.database.session import Database, Session
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.anyio

BOUNDS = text(
    "SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class"
    " WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'audit_entry'::regclass)"
    " AND relname < 'audit_entry_y2020' ORDER BY relname"
)


class TestEnsureMonths:
    async def test_makes_what_is_missing_and_no_more(self, session: Session) -> None:
        assert await ensure_months(session, "audit_entry", date(2013, 11, 5), date(2014, 1, 1)) == 3
        assert await ensure_months(session, "audit_entry", date(2013, 10, 31), date(2014, 1, 31)) == 1
        made = (await session.execute(BOUNDS)).all()
        assert [name for name, _ in made] == [
            f"audit_entry_y{month}" for month in ("2013m10", "2013m11", "2013m12", "2014m01")
        ]
        assert made[2][1] == "FOR VALUES FROM ('2013-12-01 00:00:00+00') TO ('2014-01-01 00:00:00+00')"

    async def test_days_turn_at_midnight_utc_wherever_the_session_is(self, session: Session) -> None:
        await session.execute(text("SET LOCAL TimeZone = 'Pacific/Auckland'"))
        await ensure_months(session, "audit_entry", date(2013, 12, 1), date(2013, 12, 1))
        await session.execute(text("SET LOCAL TimeZone = 'UTC'"))
        made = (await session.execute(BOUNDS)).all()
        assert made[0][1] == "FOR VALUES FROM ('2013-12-01 00:00:00+00') TO ('2014-01-01 00:00:00+00')"

    @pytest.mark.parametrize("table", ["job", "pg_class", "audit_entry_y2026m11"])
    async def test_refuses_any_other_table(self, session: Session, table: str) -> None:
        with pytest.raises(DBAPIError, match=r"not partitioned by month|does not exist"):
            await ensure_months(session, table, date(2013, 10, 1), date(2013, 10, 1))

    @pytest.mark.parametrize("last", [date(2012, 1, 1), date(2099, 1, 1)])
    async def test_refuses_an_endless_or_backward_span(self, session: Session, last: date) -> None:
        with pytest.raises(DBAPIError, match="no partitions from"):
            await ensure_months(session, "audit_entry", date(2013, 10, 1), last)

    async def test_truncating_a_new_partition_is_refused_too(
        self, own_database: Database, server: ServerOfTests
    ) -> None:
        async with own_database.transaction(ANONYMOUS) as session:
            await ensure_months(session, "audit_entry", date(2013, 10, 1), date(2013, 10, 1))
        with (
            server.superuser(own_database.engine.url.database or "") as connection,
            pytest.raises(RestrictViolation, match="append-only"),
        ):
            connection.execute("TRUNCATE audit_entry_y2013m10")


class TestEnsureAhead:
    async def test_every_monthly_table_has_the_coming_months(self, session: Session) -> None:
        with clock.frozen(datetime(2031, 11, 30, 23, tzinfo=UTC)):
            made = await ensure_ahead(session, months=3)
            assert await ensure_ahead(session, months=3) == 0
        tables = (await session.execute(text("SELECT count(*) FROM pg_partitioned_table"))).scalar_one()
        assert made == 4 * tables
        found = await session.execute(text("SELECT to_regclass('audit_entry_y2032m02') IS NOT NULL"))
        assert found.scalar_one()


def test_months_turn_the_year() -> None:
    assert later(date(2026, 11, 1), 3) == date(2027, 2, 1)
    assert later(date(2026, 12, 1), 0) == date(2026, 12, 1)


def test_system_actor_says_why() -> None:
    assert system_actor("housekeeping").label == "system: housekeeping"
