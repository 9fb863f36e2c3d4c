"""Pages of offerings: the list, and the overview of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from academe.academics import policy
from academe.academics.access import offering_for
from academe.academics.models import Offering, Term, Unit
from academe.academics.offering_head import OfferingHead, head_of
from academe.academics.queries import (
    NextMeeting,
    OfferingRow,
    StaffMember,
    next_meeting,
    offering_row,
    offerings,
    staff_of,
    status_counts,
    terms_with_offerings,
)
from academe.academics.types import EnrollmentStatus
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.http.dependencies import ReadOnlySession, SignedIn
from academe.platform.http.pagination import Paging, SortKey, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, NavigationEntry, Sort, TableView, render

router = page_router()

STAFF: Final = (*policy.TEACHING, *policy.CARING)
"""Roles whose holders have offerings to look at."""


def _has_offerings(actor: Actor) -> bool:
    return actor.has_role(*STAFF)


NAVIGATION: Final = (NavigationEntry("Offerings", "/offerings", "school", visible=_has_offerings, section="Teaching"),)

_COLUMNS: Final = (
    Column("unit", "Offering", sortable=True),
    Column("term", "Term", sortable=True, descending_first=True),
    Column("days", "Taught", hide_below="md"),
    Column("students", "Students", align="end"),
)


@dataclass(frozen=True, slots=True)
class OfferingsPage:
    """The offerings that the actor may look at."""

    table: TableView[OfferingRow]
    terms: Sequence[tuple[str, str]]
    term: str
    search: str


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """One offering at a glance."""

    offering: OfferingHead
    counts: dict[EnrollmentStatus, int]
    capacity: int | None
    staff: Sequence[StaffMember]
    next_meeting: NextMeeting | None
    week: int | None
    weeks: int
    today: date


@router.get("/offerings")
async def list_offerings(
    request: Request,
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    term: UUID | None = None,
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The offerings whose roster the actor may see, latest term first."""
    readable = policy.rosters_readable_by(actor)
    sort = Sort.parse(request.query_params.get("sort"), allowed=("unit", "term"), default=Sort("term", descending=True))
    wanted = offerings(readable, term_id=term, search=q.strip())
    page = await fetch_page(session, wanted, _order(sort), paging, offering_row)
    table = TableView(
        "offerings",
        request.url,
        _COLUMNS,
        page.items,
        sort=sort,
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )
    terms = [(str(one.id), one.title) for one in await terms_with_offerings(session, readable)]
    shown = OfferingsPage(table, [("", "All terms"), *terms], str(term or ""), q)
    return render(request, "academics/offerings.html", shown, block="offerings")


@router.get("/offerings/{offering_id}")
async def show_offering(request: Request, offering_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """One offering at a glance: its days, people and next meeting."""
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    today = clock.now().date()
    taught = offering.starts_on <= today <= offering.ends_on
    shown = OverviewPage(
        offering=head_of(offering, actor, tab="overview"),
        counts=await status_counts(session, offering.id),
        capacity=offering.capacity,
        staff=await staff_of(session, offering.id),
        next_meeting=await next_meeting(session, offering.id, clock.now()),
        week=(today - offering.starts_on).days // 7 if taught else None,
        weeks=(offering.ends_on - offering.starts_on).days // 7 + 1,
        today=today,
    )
    return render(request, "academics/offering.html", shown)


def _order(sort: Sort) -> tuple[SortKey, ...]:
    unit = SortKey("unit", Unit.code, descending=sort.key == "unit" and sort.descending)
    term = SortKey("term", Term.starts_on, descending=sort.key != "term" or sort.descending)
    identity = SortKey("id", Offering.id)
    return (unit, term, identity) if sort.key == "unit" else (term, unit, identity)
