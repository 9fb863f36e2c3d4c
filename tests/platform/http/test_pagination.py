"""Pages by keyset: each row once whatever is inserted meanwhile, and cursors that only we can make."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Row, Select, Table, Text, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from academe.platform.database.session import Database
from academe.platform.http.dependencies import ReadOnlySession
from academe.platform.http.pagination import (
    MAXIMUM_LIMIT,
    CursorSigner,
    Edge,
    InvalidCursorError,
    Page,
    PageRequest,
    Paging,
    Scalar,
    SortKey,
    fetch_page,
    keyset,
)
from academe.platform.http.routing import api_router
from tests.platform.http.conftest import Client

pytestmark = pytest.mark.anyio

SIGNER = CursorSigner(b"key of these tests")
entries = Table(
    "trial_entries",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("score", Integer),
)
by_id = SortKey("id", entries.c.id)
ORDERS: dict[str, tuple[SortKey, ...]] = {
    "id": (by_id,),
    "id down": (SortKey("id", entries.c.id, descending=True),),
    "name": (SortKey("name", entries.c.name), by_id),
    "name down": (SortKey("name", entries.c.name, descending=True), by_id),
    "score": (SortKey("score", entries.c.score, nullable=True), by_id),
    "score down": (SortKey("score", entries.c.score, descending=True, nullable=True), by_id),
    "score down, name": (
        SortKey("score", entries.c.score, descending=True, nullable=True),
        SortKey("name", entries.c.name),
        SortKey("id", entries.c.id, descending=True),
    ),
}
router = api_router("/trial", tag="trial")


@router.get("/entries")
async def list_entries(session: ReadOnlySession, paging: Paging) -> Page[int]:
    numbers = select(text("n")).select_from(text("generate_series(1, 5) AS n"))
    key = SortKey("n", cast("Any", Column("n", Integer)))
    return await fetch_page(session, numbers, (key,), paging, lambda row: int(row[0]))


@pytest.fixture(scope="module")
async def connection(worker_database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection with the table of the lists."""
    async with worker_database.engine.connect() as connection:
        await connection.execute(
            text("CREATE TEMPORARY TABLE trial_entries (id integer PRIMARY KEY, name text NOT NULL, score integer)")
        )
        await connection.commit()
        yield connection
        await connection.rollback()
        await connection.execute(text("DROP TABLE trial_entries"))
        await connection.commit()


def number_of(row: Row[Any]) -> int:
    return int(row[0])


async def page_of(connection: AsyncConnection, order: str, limit: int, cursor: str | None = None) -> Page[int]:
    async with AsyncSession(connection) as session:
        request = PageRequest(SIGNER, limit, cursor)
        return await fetch_page(session, select(entries.c.id), ORDERS[order], request, number_of)


async def in_order(connection: AsyncConnection, order: str) -> list[int]:
    """The ids as PostgreSQL sorts them, with nulls last."""
    keys = [(key.column.desc() if key.descending else key.column.asc()).nulls_last() for key in ORDERS[order]]
    return list((await connection.scalars(select(entries.c.id).order_by(*keys))).all())


async def refill(connection: AsyncConnection, rows: Sequence[tuple[int, str, int | None]]) -> None:
    await connection.execute(text("TRUNCATE trial_entries"))
    if rows:
        await connection.execute(
            entries.insert(), [{"id": id_, "name": name, "score": score} for id_, name, score in rows]
        )


some_rows = st.lists(
    st.tuples(st.integers(1, 500), st.sampled_from("abc"), st.none() | st.integers(0, 3)),
    unique_by=lambda row: row[0],
    max_size=25,
)
some_order = st.sampled_from(sorted(ORDERS))
quickly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class TestWholeList:
    @quickly
    @given(rows=some_rows, order=some_order, limit=st.integers(1, 7))
    async def test_forward_and_back_visit_every_row_once_in_order(
        self,
        connection: AsyncConnection,
        rows: list[tuple[int, str, int | None]],
        order: str,
        limit: int,
    ) -> None:
        await refill(connection, rows)
        expected = await in_order(connection, order)
        seen: list[int] = []
        page = await page_of(connection, order, limit)
        assert page.previous_cursor is None
        pages = [page]
        while page.next_cursor is not None:
            seen += page.items
            page = await page_of(connection, order, limit, page.next_cursor)
            assert page.items
            pages.append(page)
        assert seen + page.items == expected
        back = list(page.items)
        while page.previous_cursor is not None:
            page = await page_of(connection, order, limit, page.previous_cursor)
            back = page.items + back
        assert back == expected

    @quickly
    @given(
        rows=some_rows,
        later=st.lists(st.tuples(st.integers(501, 999), st.sampled_from("abc"), st.integers(0, 3))),
        order=some_order,
        limit=st.integers(1, 7),
    )
    async def test_rows_inserted_meanwhile_neither_hide_nor_repeat_the_others(
        self,
        connection: AsyncConnection,
        rows: list[tuple[int, str, int | None]],
        later: list[tuple[int, str, int]],
        order: str,
        limit: int,
    ) -> None:
        await refill(connection, rows)
        expected = await in_order(connection, order)
        waiting = {id_: (id_, name, score) for id_, name, score in later}
        seen: list[int] = []
        cursor: str | None = None
        while True:
            page = await page_of(connection, order, limit, cursor)
            seen += page.items
            if waiting:
                id_, name, score = waiting.popitem()[1]
                await connection.execute(entries.insert(), [{"id": id_, "name": name, "score": score}])
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
        assert [number for number in seen if number <= 500] == expected
        assert len(set(seen)) == len(seen)


class TestStatement:
    def test_one_direction_is_a_row_comparison_that_an_index_serves(self) -> None:
        cursor = SIGNER.seal(Edge(("b", 7), backward=False), "name asc,id asc")
        narrowed = keyset(select(entries.c.id), ORDERS["name"], PageRequest(SIGNER, 10, cursor))
        sql = " ".join(str(narrowed.statement.compile()).split())
        assert "(trial_entries.name, trial_entries.id) > (" in sql
        assert "NULLS" not in sql

    def test_the_sort_of_the_select_itself_does_not_count(self) -> None:
        statement = cast("Select[Any]", select(entries.c.id).order_by(entries.c.score))
        narrowed = keyset(statement, ORDERS["id"], PageRequest(SIGNER, 10))
        assert "ORDER BY trial_entries.id ASC" in str(narrowed.statement.compile())


class Colour(StrEnum):
    RED = "red"


class TestCursor:
    @pytest.mark.parametrize(
        "values",
        [
            (1, "name", None, True, 1.5),
            (UUID("01890000-0000-7000-8000-000000000001"),),
            (date(2026, 11, 21), datetime(2026, 11, 21, 10, 0, 0, 1, tzinfo=UTC)),
            (Decimal("12.50"),),
            ("Zoë 'quoted'", ""),
        ],
    )
    def test_values_survive_with_their_types(self, values: tuple[Scalar, ...]) -> None:
        edge = Edge(values, backward=True)
        opened = SIGNER.open(SIGNER.seal(edge, "order"), "order")
        assert opened == edge
        assert [type(value) for value in opened.values] == [type(value) for value in values]

    def test_a_member_of_a_vocabulary_is_its_value(self) -> None:
        assert SIGNER.open(SIGNER.seal(Edge((Colour.RED,), backward=False), "o"), "o").values == ("red",)

    def test_other_values_cannot_sort_a_list(self) -> None:
        with pytest.raises(TypeError, match="bytes"):
            SIGNER.seal(Edge(cast("Any", (b"x",)), backward=False), "o")

    @given(cursor=st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: raw.hex()))
    def test_what_we_did_not_make_is_refused(self, cursor: str) -> None:
        with pytest.raises(InvalidCursorError) as caught:
            SIGNER.open(cursor, "order")
        assert caught.value.errors[0].field == "cursor"

    @given(position=st.integers(0, 200), bit=st.integers(0, 5))
    def test_an_altered_cursor_is_refused(self, position: int, bit: int) -> None:
        cursor = SIGNER.seal(Edge((uuid4(), 1), backward=False), "order")
        place = position % (len(cursor) - 1)  # the last character has bits that mean nothing
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        other = alphabet[alphabet.index(cursor[place]) ^ (1 << bit)]
        with pytest.raises(InvalidCursorError):
            SIGNER.open(cursor[:place] + other + cursor[place + 1 :], "order")

    def test_a_cursor_of_another_order_or_installation_is_refused(self) -> None:
        cursor = SIGNER.seal(Edge((1,), backward=False), "name asc")
        with pytest.raises(InvalidCursorError):
            SIGNER.open(cursor, "name desc")
        with pytest.raises(InvalidCursorError):
            CursorSigner(b"another key").open(cursor, "name asc")


class TestOverHttp:
    async def test_cursors_lead_through_the_list(self, client: Client, database: Database) -> None:
        async with client(router, database=database) as c:
            first = (await c.get("/api/v1/trial/entries?limit=3")).json()
            second = (await c.get(f"/api/v1/trial/entries?limit=3&cursor={first['next_cursor']}")).json()
        assert (first["items"], second["items"]) == ([1, 2, 3], [4, 5])
        assert second["next_cursor"] is None

    async def test_a_bad_cursor_is_400_and_named(self, client: Client, database: Database) -> None:
        async with client(router, database=database) as c:
            answer = await c.get("/api/v1/trial/entries?cursor=made-up")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "cursor"

    @pytest.mark.parametrize("limit", ["0", str(MAXIMUM_LIMIT + 1), "many"])
    async def test_the_limit_is_bounded(self, client: Client, database: Database, limit: str) -> None:
        async with client(router, database=database) as c:
            answer = await c.get(f"/api/v1/trial/entries?limit={limit}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "limit"
