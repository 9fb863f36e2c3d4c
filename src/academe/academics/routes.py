"""JSON of offerings."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from sqlalchemy import Row

from academe.academics import policy
from academe.academics.access import offering_for
from academe.academics.models import Offering, Term, Unit
from academe.academics.queries import next_meeting, offering_row, offerings, staff_of, status_counts
from academe.academics.schemas import NextMeetingOut, OfferingDetailOut, OfferingOut, StaffOut
from academe.platform import clock
from academe.platform.http.dependencies import ReadOnlySession, SignedIn
from academe.platform.http.pagination import Page, Paging, SortKey, fetch_page
from academe.platform.http.routing import api_router

router = api_router("/offerings", tag="offerings")

NEWEST_FIRST = (
    SortKey("term", Term.starts_on, descending=True),
    SortKey("unit", Unit.code),
    SortKey("id", Offering.id),
)


@router.get("")
async def list_offerings(
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    term_id: UUID | None = None,
    search: Annotated[str, Query(max_length=100, description="Part of the unit's code or title.")] = "",
) -> Page[OfferingOut]:
    """The offerings whose roster the caller may see, latest term first."""
    wanted = offerings(policy.rosters_readable_by(actor), term_id=term_id, search=search)
    return await fetch_page(session, wanted, NEWEST_FIRST, paging, _shown)


@router.get("/{offering_id}")
async def show_offering(offering_id: UUID, actor: SignedIn, session: ReadOnlySession) -> OfferingDetailOut:
    """One offering with its people and its next meeting."""
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    coming = await next_meeting(session, offering.id, clock.now())
    return OfferingDetailOut(
        id=offering.id,
        unit_code=offering.unit.code,
        unit_title=offering.unit.title,
        term_code=offering.term.code,
        term_title=offering.term.title,
        starts_on=offering.starts_on,
        ends_on=offering.ends_on,
        status=offering.status,
        capacity=offering.capacity,
        staff=[
            StaffOut.model_validate(member, from_attributes=True) for member in await staff_of(session, offering.id)
        ],
        enrollments=await status_counts(session, offering.id),
        next_meeting=NextMeetingOut.model_validate(coming, from_attributes=True) if coming else None,
    )


def _shown(row: Row[*tuple[Any, ...]]) -> OfferingOut:
    return OfferingOut.model_validate(offering_row(row), from_attributes=True)
