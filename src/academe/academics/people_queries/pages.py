"""Pages of queries of people: the list, the form, and one of them with how many it finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from academe.academics.errors import PeopleQueryPartNotFoundError
from academe.academics.models import Program, Term
from academe.academics.people_queries import service
from academe.academics.people_queries.forms import PeopleQueryForm
from academe.academics.people_queries.policy import keeps_queries, kept_by, require_keeping
from academe.academics.people_queries.queries import BY_NAME, ShownQuery, queries, shown
from academe.academics.policy import REGISTERING
from academe.identity.models import OrgUnit
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Paging, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, FormView, NavigationEntry, TableView, parse_form, redirect, render

LIST: Final = "/people-queries"
router = page_router(LIST)

NAVIGATION: Final = (NavigationEntry("Queries", LIST, "filter", visible=keeps_queries, section="Messages"),)

_COLUMNS: Final = (Column("name", "Query"), Column("words", "Whom it finds", hide_below="sm"))
_MOST: Final = 500

Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class QueriesPage:
    """The queries that one keeps."""

    table: TableView[ShownQuery]


@dataclass(frozen=True, slots=True)
class QueryFormPage:
    """The form, with what there is to choose from."""

    form: FormView
    nodes: Choices
    programs: Choices
    terms: Choices


@dataclass(frozen=True, slots=True)
class QueryPage:
    """One query, with how many it finds now."""

    query: ShownQuery
    found: int

    @property
    def audience(self) -> str:
        """It, as the form of an announcement knows it."""
        return f"{service.AUDIENCE}:{self.query.id}"


@router.get("")
async def list_queries(request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Response:
    """The queries by name."""
    require_keeping(actor)
    found = await fetch_page(session, queries(kept_by(actor)), BY_NAME, paging, shown)
    table = TableView(
        "queries",
        request.url,
        _COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    return render(request, "academics/people_queries.html", QueriesPage(table), block="queries")


@router.get("/new")
async def show_form(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The form of a new one."""
    return await _form_page(request, actor, session, FormView())


@router.post("/new")
async def keep_query(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Keep it."""
    require_keeping(actor)
    parsed = parse_form(PeopleQueryForm, await request.form())
    if parsed.data is None:
        return await _form_page(request, actor, session, parsed.view, status=422)
    try:
        kept = await service.keep_query(session, actor=actor, wanted=parsed.data.wanted())
    except (InvalidInputError, PeopleQueryPartNotFoundError) as error:
        return await _form_page(request, actor, session, parsed.view.with_errors(error.errors), status=error.status)
    return redirect(request, f"{LIST}/{kept.id}", "The query is kept.")


@router.get("/{query_id}")
async def show_query(request: Request, query_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """One query."""
    query = await service.query_for(session, actor=actor, query_id=query_id)
    page = QueryPage(query, await service.count_found(session, query_id))
    return render(request, "academics/people_query.html", page)


@router.post("/{query_id}/remove")
async def remove_query(request: Request, query_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Remove it."""
    await service.remove_query(session, actor=actor, query_id=query_id)
    return redirect(request, LIST, "The query is removed.")


async def _form_page(
    request: Request, actor: Actor, session: ReadSession | Session, form: FormView, *, status: int = 200
) -> Response:
    require_keeping(actor)
    nodes = sorted(actor.org_unit_ids(*REGISTERING))
    institutions = sorted({scope.institution_id for scope in actor.scopes if scope.role in REGISTERING})
    kept = await session.execute(select(OrgUnit.id, OrgUnit.name).where(OrgUnit.id.in_(nodes)).order_by(OrgUnit.name))
    programs = select(Program.id, Program.title).where(Program.institution_id.in_(institutions))
    terms = select(Term.id, Term.code).where(Term.institution_id.in_(institutions))
    page = QueryFormPage(
        form,
        [(str(row[0]), row[1]) for row in kept],
        [(str(row[0]), row[1]) for row in await session.execute(programs.order_by(Program.title).limit(_MOST))],
        [(str(row[0]), row[1]) for row in await session.execute(terms.order_by(Term.starts_on.desc()).limit(_MOST))],
    )
    return render(request, "academics/people_query_form.html", page, status=status)
