"""Pages and JSON of the tables: all of them, the rows of one, and one row."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query
from sqlalchemy import Row, RowMapping
from starlette.requests import Request
from starlette.responses import Response

from academe.identity.api import institutions_to_administer
from academe.operations.errors import RowNotFoundError, TableNotFoundError
from academe.operations.tables.lawful import editable, reason_not
from academe.operations.tables.queries import BrowsedTable, browsed_tables, shown
from academe.operations.tables.values import values_of
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.database.session import Session
from academe.platform.errors import PermissionDeniedError
from academe.platform.http.dependencies import SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router, page_router
from academe.platform.pages import Column, NavigationEntry, TableView, render
from academe.platform.pages.tables import Sort

router = page_router("/tables")
api = api_router("/tables", tag="tables")

NAVIGATION: Final = (
    NavigationEntry(
        "Tables",
        "/tables",
        "database",
        visible=lambda actor: bool(institutions_to_administer(actor)),
        section="Institution",
    ),
)
PURPOSE: Final = "administration of a table"
_WIDE: Final = 6
"""Columns of a list that narrow screens show the first of; all of them are on the page of a row."""

_WHERE: Final = "where."
"""Before the name of a column, in an address that asks for a value of it."""

Search = Annotated[str, Query(max_length=100)]


@dataclass(frozen=True, slots=True)
class TablesPage:
    """Every table."""

    tables: Sequence[BrowsedTable]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row of a list: where its page is, and its cells."""

    href: str
    cells: Sequence[str]
    key: str


@dataclass(frozen=True, slots=True)
class ColumnFilter:
    """A filter by one column: the name of its field, what is said of it, and the values to choose from, if few."""

    name: str
    label: str
    value: str
    options: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TablePage:
    """The rows of one table."""

    browsed: BrowsedTable
    rows: TableView[ShownRow]
    search: str
    filters: Sequence[ColumnFilter]
    settable: Sequence[tuple[str, str]]
    may_delete: bool
    why_not: str


@dataclass(frozen=True, slots=True)
class RowPage:
    """One row."""

    browsed: BrowsedTable
    pairs: Sequence[tuple[str, str]]
    edit_href: str
    why_not: str


@router.get("")
async def list_tables(request: Request, actor: SignedIn) -> Response:
    """Every table of the product."""
    institutions_or_refuse(actor)
    return render(request, "operations/tables.html", TablesPage(list(browsed_tables().values())))


@router.get("/{name}")
async def list_rows(
    request: Request, name: str, actor: SignedIn, session: WriteSession, paging: Paging, q: Search = "", sort: str = ""
) -> Response:
    """The rows of a table; looking at those about people leaves an entry in the audit."""
    institutions, browsed = institutions_or_refuse(actor), table_called(name)
    columns, allowed = browsed.columns[:_WIDE], editable(name)
    names = [column.name for column in browsed.sortable]
    order = Sort.parse(sort, allowed=names, default=Sort(browsed.keys[0].name))
    page: Page[Any] = Page(items=[])
    if browsed.is_shown:
        keys = browsed.sort_keys(order.key, descending=order.descending)
        rows = browsed.rows(institutions, q.strip(), filters_of(request, browsed))
        page = await fetch_page(session, rows, keys, paging, lambda row: row)
        leave_entry(session, actor, browsed, institutions)
    view = TableView(
        "rows",
        request.url,
        [
            Column(column.name, words(column.name), sortable=column.name in names, hide_below="md" if at > 1 else None)
            for at, column in enumerate(columns)
        ],
        [_shown_row(browsed, row) for row in page.items],
        sort=order,
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
        row_id=(lambda row: row.key) if allowed else None,
    )
    shown_page = TablePage(
        browsed,
        view,
        q,
        _filters(request, browsed) if browsed.is_shown else (),
        [(each, words(each)) for each in allowed.columns] if allowed else (),
        bool(allowed and allowed.may_delete),
        _why_not(browsed),
    )
    return render(request, "operations/table.html", shown_page, block="rows")


@router.get("/{name}/row")
async def show_row(
    request: Request,
    name: str,
    actor: SignedIn,
    session: WriteSession,
    key: Annotated[list[str], Query(max_length=10)],
) -> Response:
    """One row by the parts of its key; it leaves an entry in the audit when it is about people."""
    browsed = table_called(name)
    row = await read_row(session, actor, browsed, key)
    pairs = [(words(column.name), shown(row[column.name], longest=2000)) for column in browsed.columns]
    return render(
        request, "operations/table_row.html", RowPage(browsed, pairs, _edit_href(browsed, key), _why_not(browsed))
    )


@api.get("")
async def get_tables(actor: SignedIn) -> list[str]:
    """The names of all tables."""
    institutions_or_refuse(actor)
    return list(browsed_tables())


@api.get("/{name}")
async def get_rows(
    request: Request, name: str, actor: SignedIn, session: WriteSession, paging: Paging, q: Search = ""
) -> Page[dict[str, str | None]]:
    """The rows of a table as text, in the order of its key; secrets are left out.

    Besides `q`, each column may be asked for by `where.` and its name.
    """
    institutions, browsed = institutions_or_refuse(actor), table_called(name)
    if not browsed.is_shown:
        return Page(items=[])
    leave_entry(session, actor, browsed, institutions)
    names = [column.name for column in browsed.columns]
    keys = browsed.sort_keys("", descending=False)
    statement = browsed.rows(institutions, q.strip(), filters_of(request, browsed))

    def document(row: Row[Any]) -> dict[str, str | None]:
        return {each: None if row[at] is None else str(row[at]) for at, each in enumerate(names)}

    return await fetch_page(session, statement, keys, paging, document)


async def read_row(session: Session, actor: Actor, browsed: BrowsedTable, key: Sequence[str]) -> RowMapping:
    """One row by the parts of its key, by the names of its columns; it leaves an entry. Raises RowNotFoundError."""
    institutions = institutions_or_refuse(actor)
    if not browsed.is_shown or len(key) != len(browsed.keys):
        raise RowNotFoundError
    row = (await session.execute(browsed.row(institutions, key))).mappings().one_or_none()
    if row is None:
        raise RowNotFoundError
    leave_entry(session, actor, browsed, institutions)
    return row


def institutions_or_refuse(actor: Actor) -> Sequence[UUID]:
    """The institutions that the actor administers. Raises PermissionDeniedError when there are none."""
    institutions = institutions_to_administer(actor)
    if not institutions:
        raise PermissionDeniedError("The tables are for the administrators of an institution.")
    return institutions


def table_called(name: str) -> BrowsedTable:
    """A table by its name. Raises TableNotFoundError."""
    browsed = browsed_tables().get(name)
    if browsed is None:
        raise TableNotFoundError
    return browsed


def leave_entry(session: Session, actor: Actor, browsed: BrowsedTable, institutions: Sequence[UUID]) -> None:
    """Leave an entry that the actor looks at a table about people."""
    if not browsed.is_about_people:
        return
    for institution_id in institutions:
        subject = Subject("org_unit", institution_id, institution_id)
        purpose = f"{PURPOSE}: {browsed.name}"
        record_access(session, actor=actor, subject=subject, purpose=purpose, action="table.read")


def _shown_row(browsed: BrowsedTable, row: Row[Any]) -> ShownRow:
    named = {column.name: row[at] for at, column in enumerate(browsed.columns)}
    parts = [("key", str(named.get(column.name, ""))) for column in browsed.keys]
    cells = [shown(row[at]) for at in range(len(browsed.columns[:_WIDE]))]
    key = json.dumps([part for _, part in parts])
    return ShownRow(f"/tables/{browsed.name}/row?{urlencode(parts)}", cells, key)


def filters_of(request: Request, browsed: BrowsedTable) -> dict[str, str]:
    """What the address asks of single columns, by column."""
    names = {column.name for column in browsed.sortable}
    asked = {name.removeprefix(_WHERE): value for name, value in request.query_params.items() if name[:6] == _WHERE}
    return {name: value[:100] for name, value in asked.items() if name in names and value.strip()}


def _filters(request: Request, browsed: BrowsedTable) -> Sequence[ColumnFilter]:
    asked = filters_of(request, browsed)
    return [
        ColumnFilter(
            f"{_WHERE}{column.name}",
            words(column.name),
            asked.get(column.name, ""),
            [("", "Any"), *((each, each) for each in few)] if (few := values_of(column)) else (),
        )
        for column in browsed.sortable
    ]


def _why_not(browsed: BrowsedTable) -> str:
    return "" if editable(browsed.name) else reason_not(browsed.name)


def _edit_href(browsed: BrowsedTable, key: Sequence[str]) -> str:
    return f"/tables/{browsed.name}/row/edit?{urlencode([('key', each) for each in key])}"


def words(name: str) -> str:
    """The name of a table or column for people."""
    return name.replace("_", " ").capitalize()
