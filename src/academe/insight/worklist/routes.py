"""JSON of the worklist."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from academe.insight import policy
from academe.insight.types import RiskBand
from academe.insight.worklist.queries import Order, worklist_offerings
from academe.insight.worklist.schemas import WorklistItemOut, WorklistOut
from academe.insight.worklist.view import DESCENDING_FIRST, Asked, offerings_of_term, read_worklist
from academe.platform.errors import PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn
from academe.platform.http.pagination import Paging
from academe.platform.http.routing import api_router
from academe.platform.pages import Sort

router = api_router("/worklist", tag="worklist")


@router.get("")
async def list_worklist(
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    term_id: UUID | None = None,
    offering_id: UUID | None = None,
    week: Annotated[int | None, Query(ge=0, le=200, description="Week of teaching; empty: today, or week 8.")] = None,
    band: RiskBand | None = None,
    search: Annotated[str, Query(max_length=100, description="Part of a student's number.")] = "",
    rising: Annotated[bool, Query(description="Only those whose probability rose by 5 points or more.")] = False,
    order: Order = "need",
) -> WorklistOut:
    """The caller's students of one term by need, as of the end of a day; 403 for those who look after nobody."""
    if not actor.has_role(*policy.READERS):
        raise PermissionDeniedError("The worklist is for those who teach or advise.")
    offerings = await worklist_offerings(session, policy.risk_readable_by(actor))
    if offering_id is not None:
        offerings = [each for each in offerings if each.id == offering_id]
    offerings = await offerings_of_term(session, offerings, term_id)
    if not offerings:
        return WorklistOut(items=[], as_of=None, week=None, counts={})
    asked = Asked(week, band, search, rising, Sort(order, order in DESCENDING_FIRST))
    shown = await read_worklist(session, offerings, asked, paging)
    return WorklistOut(
        items=[WorklistItemOut.model_validate(row, from_attributes=True) for row in shown.found.rows],
        next_cursor=shown.found.next_cursor,
        previous_cursor=shown.found.previous_cursor,
        as_of=shown.week.as_of,
        week=shown.week.number,
        counts=dict(shown.counts),
    )
