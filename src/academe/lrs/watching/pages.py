"""Pages of the store: what it does, what was stated lately, and one statement.

The first is for those who run the service, the others for those who may read about people. Both keep themselves up to
date where scripts run, until somebody pauses them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.lrs.senders.policy import require
from academe.lrs.watching import policy
from academe.lrs.watching.access import (
    Figures,
    OneStatement,
    StatementList,
    attachment_for,
    figures_for,
    statement_for,
    statements_for,
    usage_for,
)
from academe.lrs.watching.charts import MEBIBYTE, activity_chart, minutes_chart, storage_chart, verb_chart
from academe.lrs.watching.context import context_facts
from academe.lrs.watching.downloads import download
from academe.lrs.watching.filters import given_in, wanted_in
from academe.lrs.watching.queries import Usage
from academe.lrs.watching.shown import LIST, Named, ShownStatement, verb_named
from academe.platform.errors import InvalidInputError
from academe.platform.http.dependencies import SignedIn, database_of
from academe.platform.http.pagination import Paging
from academe.platform.http.routing import page_router
from academe.platform.pages import ChartSpec, Column, FormView, NavigationEntry, TableView, render, wants_fragment
from academe.platform.pages.filters import number

router = page_router("/lrs")

NAVIGATION: Final = (
    NavigationEntry("Store", "/lrs", "activity", visible=policy.can_watch, section="Learning records"),
    NavigationEntry("Statements", LIST, "list-details", visible=policy.can_read, section="Learning records"),
)

_COLUMNS: Final = (
    Column("stored", "Stored (UTC)"),
    Column("actor", "Who"),
    Column("verb", "Did"),
    Column("object", "What"),
    Column("result", "Result", hide_below="lg"),
    Column("sender", "Sender", hide_below="md"),
)
_LABELS: Final = {"agent": "Who", "related": "Named"}


@dataclass(frozen=True, slots=True)
class StorePage:
    """What the store does. `usage` and the charts are of the moment when the page was opened."""

    figures: Figures
    usage: Usage
    is_live: bool
    can_read: bool

    @property
    def minute(self) -> int:
        """Statements of the last whole minute."""
        return sum(each.rates.minute for each in self.figures.senders)

    @property
    def hour(self) -> int:
        """Statements of the last hour."""
        return sum(each.rates.hour for each in self.figures.senders)

    @property
    def day(self) -> int:
        """Statements of the last day."""
        return sum(each.rates.day for each in self.figures.senders)

    @property
    def errors(self) -> int:
        """Requests of the last day that were refused or failed."""
        return sum(each.rates.refused + each.rates.failed for each in self.figures.senders)

    @property
    def requests(self) -> int:
        """Requests of the last day."""
        return sum(each.rates.requests for each in self.figures.senders)

    @property
    def minutes_chart(self) -> ChartSpec:
        """The last hour."""
        return minutes_chart(self.figures.minutes)

    @property
    def verb_chart(self) -> ChartSpec:
        """What is done most."""
        return verb_chart(self.usage)

    @property
    def activity_chart(self) -> ChartSpec:
        """What it is done with most."""
        return activity_chart(self.usage)

    @property
    def storage_chart(self) -> ChartSpec:
        """What is kept, by month."""
        return storage_chart(self.figures.months)

    @property
    def month_facts(self) -> Sequence[tuple[str, str]]:
        """The months that hold something, with their statements and size."""
        return [
            (each.month, f"{number(each.statements)} statements, {number(each.all_bytes / MEBIBYTE, 1)} MiB")
            for each in self.figures.months
            if each.statements
        ]

    @property
    def spool_space(self) -> str:
        """How much of the spool is taken."""
        spool = self.figures.spool
        used = f"{number(spool.used_bytes / MEBIBYTE, 1)} MiB"
        return (
            f"{used} of {number(spool.limit_bytes / MEBIBYTE)} MiB are used."
            if spool.limit_bytes
            else f"{used} in all."
        )

    @property
    def followers(self) -> Sequence[tuple[str, datetime, float]]:
        """Who follows the statements, up to where, and how many seconds behind."""
        return [(each.name, each.position, each.behind_seconds(self.figures.now)) for each in self.figures.followers]


@dataclass(frozen=True, slots=True)
class StatementsPage:
    """The list with its filters. `live_href` is where it asks for itself, empty when it stands still."""

    table: TableView[ShownStatement]
    form: FormView
    senders: Sequence[tuple[str, str]]
    elsewhere: int
    live_href: str
    pause_href: str
    resume_href: str

    @property
    def kept(self) -> dict[str, str]:
        """What the form sends along: that the list stands still."""
        return {} if self.live_href else {"live": "0"}

    def label(self, name: str) -> str:
        """What the form calls a filter."""
        return _LABELS.get(name, name.capitalize())


@dataclass(frozen=True, slots=True)
class StatementPage:
    """One statement; `text` is its JSON, indented."""

    one: OneStatement
    text: str
    context: Sequence[tuple[str, str]]
    referring: Sequence[tuple[str, datetime, Named]]


@router.get("")
async def show_store(request: Request, actor: SignedIn, live: str = "") -> Response:
    """What the store does now."""
    database = database_of(request)
    figures = await figures_for(database, actor)
    # The part that keeps itself up to date shows none of it.
    usage = Usage(0, None, (), ()) if wants_fragment(request) else await usage_for(database, actor)
    page = StorePage(figures, usage, live != "0", policy.can_read(actor))
    return render(request, "lrs/store.html", page, block="figures")


@router.get("/statements")
async def list_statements(
    request: Request, actor: SignedIn, paging: Paging, live: str = "", seen: str = ""
) -> Response:
    """The newest statements, or those that are looked for. `seen` is the first one that the browser shows already."""
    parameters = dict(request.query_params)
    form = FormView(given_in(parameters))
    try:
        wanted = wanted_in(parameters)
        found = await statements_for(database_of(request), actor, wanted, paging)
    except InvalidInputError as error:
        require(policy.can_read(actor), actor, policy.READERS_ONLY)
        nothing = StatementList((), None, None, ())
        return _list_page(request, nothing, form.with_errors(error.errors), is_live=False, status=error.status)
    first = str(found.items[0].id) if found.items else ""
    if seen and seen == first and wants_fragment(request):
        return Response(status_code=204)  # nothing new: what the reader looks at stays as it is
    is_live = live != "0" and paging.cursor is None and wanted.filter.until is None
    return _list_page(request, found, form, is_live=is_live)


@router.get("/statements/{statement_id}")
async def show_statement(request: Request, statement_id: UUID, actor: SignedIn) -> Response:
    """One statement in words and as JSON. Looking leaves an entry in the audit."""
    one = await statement_for(database_of(request), actor, statement_id)
    referring = [
        (f"{LIST}/{each.id}", each.stored, verb_named({"id": each.verb, "display": each.verb_display}))
        for each in one.referring
    ]
    text = json.dumps(json.loads(one.text), indent=2, ensure_ascii=False)
    page = StatementPage(one, text, context_facts(one.shown.statement), referring)
    return render(request, "lrs/statement.html", page)


@router.get("/statements/{statement_id}/attachments/{sha2}")
async def download_attachment(request: Request, statement_id: UUID, sha2: str, actor: SignedIn) -> Response:
    """The content of an attachment, to keep. Downloading leaves an entry in the audit."""
    return download(*await attachment_for(database_of(request), actor, statement_id, sha2))


def _list_page(request: Request, found: StatementList, form: FormView, *, is_live: bool, status: int = 200) -> Response:
    url = request.url.remove_query_params(["seen"])
    first = str(found.items[0].id) if found.items else ""
    table = TableView(
        "statements",
        url,
        _COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    live_url = url.include_query_params(seen=first)
    standing, moving = url.include_query_params(live="0"), url.remove_query_params(["live", "cursor"])
    page = StatementsPage(
        table,
        form,
        [("", "All senders"), *((str(each.id), each.name) for each in found.senders)],
        found.elsewhere,
        f"{live_url.path}?{live_url.query}" if is_live else "",
        f"{standing.path}?{standing.query}",
        f"{moving.path}?{moving.query}" if moving.query else moving.path,
    )
    return render(request, "lrs/statements.html", page, block="statements", status=status)
