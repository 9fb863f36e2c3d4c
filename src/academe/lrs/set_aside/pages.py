"""The page of statements that were set aside."""

import json
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from academe.lrs.set_aside.access import set_aside_page
from academe.lrs.spool.policy import can_dismiss
from academe.lrs.spool.queries import SetAside
from academe.lrs.spool.service import dismiss
from academe.lrs.watching.shown import LIST, agent_named, object_named, verb_named
from academe.platform.http.dependencies import SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Paging
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, TableView, render

PLACE: Final = "/lrs/set-aside"

router = page_router(PLACE)

_COLUMNS: Final = (Column("received", "Received (UTC)"), Column("statement", "Statement"), Column("dismiss", ""))


@dataclass(frozen=True, slots=True)
class ShownSetAside:
    """One of them in words; `can_dismiss` whether the reader may delete it."""

    one: SetAside
    can_dismiss: bool

    @property
    def sentence(self) -> str:
        """Who did what."""
        statement = self.one.statement
        words = (agent_named(statement["actor"]), verb_named(statement["verb"]), object_named(statement["object"])[0])
        return " ".join(word.name for word in words)

    @property
    def text(self) -> str:
        """The statement as JSON, indented."""
        return json.dumps(self.one.statement, indent=2, ensure_ascii=False)

    @property
    def other_href(self) -> str:
        """The statement that has the id."""
        return f"{LIST}/{self.one.statement_id}"

    @property
    def dismiss_href(self) -> str:
        """Where it is dismissed."""
        return f"{PLACE}/{self.one.id}/dismiss"


@dataclass(frozen=True, slots=True)
class SetAsidePage:
    """What was set aside, the oldest first."""

    table: TableView[ShownSetAside]


@router.get("")
async def list_set_aside(request: Request, actor: SignedIn, paging: Paging) -> Response:
    """Acknowledged statements whose ids belong to others."""
    page = await set_aside_page(database_of(request), actor, paging)
    rows = [ShownSetAside(each, can_dismiss(actor, each.institution_id)) for each in page.items]
    table = TableView(
        "set-aside",
        request.url,
        _COLUMNS,
        rows,
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )
    return render(request, "lrs/set_aside.html", SetAsidePage(table), block="set_aside")


@router.post("/{set_aside_id}/dismiss")
async def dismiss_set_aside(set_aside_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Delete one for good."""
    await dismiss(session, actor=actor, id_=set_aside_id)
    return RedirectResponse(PLACE, status_code=303)
