"""JSON of who looked at one's own record."""

from datetime import date
from typing import Annotated

from fastapi import Query

from academe.identity.privacy.record.queries import RecordFilter, own_accesses
from academe.identity.privacy.record.schemas import AccessOut
from academe.platform.audit.types import EntryKind
from academe.platform.errors import PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn
from academe.platform.http.pagination import Page, Paging
from academe.platform.http.routing import api_router

router = api_router("/me/accesses", tag="privacy")


@router.get("")
async def list_own_accesses(
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    kind: EntryKind | None = None,
    since: Annotated[date | None, Query(description="First day (UTC).")] = None,
    until: Annotated[date | None, Query(description="Last day (UTC).")] = None,
    with_own: Annotated[bool, Query(description="What one did oneself, too.")] = False,
) -> Page[AccessOut]:
    """Who looked at the caller's record or changed it, newest first."""
    if actor.person_id is None:
        raise PermissionDeniedError("Only people have a record.")
    page = await own_accesses(session, actor.person_id, RecordFilter(kind, since, until, with_own), paging)
    return Page[AccessOut](
        items=[AccessOut.model_validate(each, from_attributes=True) for each in page.items],
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )
