"""JSON of statements that were set aside."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.lrs.set_aside.access import set_aside_page
from academe.lrs.set_aside.schemas import SetAsideOut
from academe.lrs.spool.service import dismiss
from academe.platform.http.dependencies import SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Page, Paging
from academe.platform.http.routing import api_router

router = api_router("/lrs/set-aside", tag="learning records")


@router.get("")
async def list_set_aside(request: Request, actor: SignedIn, paging: Paging) -> Page[SetAsideOut]:
    """Acknowledged statements whose ids belong to others, the oldest first. Looking leaves an entry in the audit."""
    page = await set_aside_page(database_of(request), actor, paging)
    return Page[SetAsideOut](
        items=[SetAsideOut.model_validate(each, from_attributes=True) for each in page.items],
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )


@router.delete("/{set_aside_id}", status_code=204)
async def dismiss_set_aside(set_aside_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Delete one for good, when it is settled with its sender."""
    await dismiss(session, actor=actor, id_=set_aside_id)
    return Response(status_code=204)
