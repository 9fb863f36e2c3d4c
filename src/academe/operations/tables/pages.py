"""Pages and JSON of the tables: all of them, the rows of one, and one row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query
from sqlalchemy import Row
from starlette.requests import Request
from starlette.responses import Response

from academe.identity.api import institutions_to_administer
from academe.operations.errors import RowNotFoundError, TableNotFoundError
from academe.operations.tables.queries import BrowsedTable, browsed_tables, shown
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


@dataclass(frozen=True, slots=True)
class TablePage:
    """The rows of one table."""

    browsed: BrowsedTable
    rows: TableView[ShownRow]
    search: str


@dataclass(frozen=True, slots=True)
class RowPage:
    """One row."""

    browsed: BrowsedTable
    pairs: Sequence[tuple[str, str]]


@router.get("")
async def list_tables(request: Request, actor: SignedIn) -> Response:
    """Every table of the product."""
    _institutions(actor)
    return render(request, "operations/tables.html", TablesPage(list(browsed_tables().values())))


@router.get("/{name}")
async def list_rows(
    request: Request, name: str, actor: SignedIn, session: WriteSession, paging: Paging, q: Search = "", sort: str = ""
) -> Response:
    """The rows of a table; looking at those about people leaves an entry in the audit."""
    institutions, browsed = _institutions(actor), _table(name)
    columns = browsed.columns[:_WIDE]
    names = [column.name for column in browsed.sortable]
    order = Sort.parse(sort, allowed=names, default=Sort(browsed.keys[0].name))
    page: Page[Any] = Page(items=[])
    if browsed.is_shown:
        keys = browsed.sort_keys(order.key, descending=order.descending)
        page = await fetch_page(session, browsed.rows(institutions, q.strip()), keys, paging, lambda row: row)
        _leave_entry(session, actor, browsed, institutions)
    view = TableView(
        "rows",
        request.url,
        [
            Column(column.name, _words(column.name), sortable=column.name in names, hide_below="md" if at > 1 else None)
            for at, column in enumerate(columns)
        ],
        [_shown_row(browsed, row) for row in page.items],
        sort=order,
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )
    return render(request, "operations/table.html", TablePage(browsed, view, q), block="rows")


@router.get("/{name}/row")
async def show_row(
    request: Request,
    name: str,
    actor: SignedIn,
    session: WriteSession,
    key: Annotated[list[str], Query(max_length=10)],
) -> Response:
    """One row by the parts of its key; it leaves an entry in the audit when it is about people."""
    browsed = _table(name)
    row = await _row(session, actor, browsed, key)
    pairs = [(_words(column.name), shown(row[at], longest=2000)) for at, column in enumerate(browsed.columns)]
    return render(request, "operations/table_row.html", RowPage(browsed, pairs))


@api.get("")
async def get_tables(actor: SignedIn) -> list[str]:
    """The names of all tables."""
    _institutions(actor)
    return list(browsed_tables())


@api.get("/{name}")
async def get_rows(
    name: str, actor: SignedIn, session: WriteSession, paging: Paging, q: Search = ""
) -> Page[dict[str, str | None]]:
    """The rows of a table as text, in the order of its key; secrets are left out."""
    institutions, browsed = _institutions(actor), _table(name)
    if not browsed.is_shown:
        return Page(items=[])
    _leave_entry(session, actor, browsed, institutions)
    names = [column.name for column in browsed.columns]
    keys = browsed.sort_keys("", descending=False)
    statement = browsed.rows(institutions, q.strip())

    def document(row: Row[Any]) -> dict[str, str | None]:
        return {each: None if row[at] is None else str(row[at]) for at, each in enumerate(names)}

    return await fetch_page(session, statement, keys, paging, document)


async def _row(session: Session, actor: Actor, browsed: BrowsedTable, key: Sequence[str]) -> Row[*tuple[Any, ...]]:
    institutions = _institutions(actor)
    if not browsed.is_shown or len(key) != len(browsed.keys):
        raise RowNotFoundError
    row = (await session.execute(browsed.row(institutions, key))).one_or_none()
    if row is None:
        raise RowNotFoundError
    _leave_entry(session, actor, browsed, institutions)
    return row


def _institutions(actor: Actor) -> Sequence[UUID]:
    institutions = institutions_to_administer(actor)
    if not institutions:
        raise PermissionDeniedError("The tables are for the administrators of an institution.")
    return institutions


def _table(name: str) -> BrowsedTable:
    browsed = browsed_tables().get(name)
    if browsed is None:
        raise TableNotFoundError
    return browsed


def _leave_entry(session: Session, actor: Actor, browsed: BrowsedTable, institutions: Sequence[UUID]) -> None:
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
    return ShownRow(f"/tables/{browsed.name}/row?{urlencode(parts)}", cells)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
