"""JSON of queries of people."""

from uuid import UUID

from starlette.responses import Response

from academe.academics.people_queries import service
from academe.academics.people_queries.forms import PeopleQueryForm
from academe.academics.people_queries.policy import kept_by, require_keeping
from academe.academics.people_queries.queries import BY_NAME, queries, shown
from academe.academics.people_queries.schemas import PeopleQueryOut
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router

router = api_router("/people-queries", tag="queries of people")


@router.get("")
async def list_people_queries(actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Page[PeopleQueryOut]:
    """The queries at the nodes whose records the caller keeps, by name."""
    require_keeping(actor)
    return await fetch_page(
        session,
        queries(kept_by(actor)),
        BY_NAME,
        paging,
        lambda row: PeopleQueryOut.model_validate(shown(row), from_attributes=True),
    )


@router.post("", status_code=201)
async def keep_people_query(body: PeopleQueryForm, actor: SignedIn, session: WriteSession) -> PeopleQueryOut:
    """Keep a query, to announce something to whom it finds."""
    kept = await service.keep_query(session, actor=actor, wanted=body.wanted())
    return await _counted(session, actor, kept.id)


@router.get("/{query_id}")
async def show_people_query(query_id: UUID, actor: SignedIn, session: ReadOnlySession) -> PeopleQueryOut:
    """One query, with how many it finds now."""
    return await _counted(session, actor, query_id)


@router.delete("/{query_id}", status_code=204)
async def remove_people_query(query_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Remove one; announcements that are planned for it are still sent."""
    await service.remove_query(session, actor=actor, query_id=query_id)
    return Response(status_code=204)


async def _counted(session: Session | ReadSession, actor: Actor, query_id: UUID) -> PeopleQueryOut:
    found = await service.query_for(session, actor=actor, query_id=query_id)
    out = PeopleQueryOut.model_validate(found, from_attributes=True)
    out.found = await service.count_found(session, query_id)
    return out
