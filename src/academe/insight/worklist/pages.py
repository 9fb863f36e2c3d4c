"""Pages of the worklist: an advisor's or a teacher's students of a term, and the students of one offering."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from academe.academics.api import OfferingHead, OfferingTab, head_of, offering_for
from academe.academics.models import Offering
from academe.identity.types import Role
from academe.insight import policy
from academe.insight.types import RiskBand
from academe.insight.worklist.distribution import probability_distribution
from academe.insight.worklist.queries import WorklistOffering, WorklistRow, worklist_offerings
from academe.insight.worklist.view import BY_NEED, Asked, Worklist, offerings_of_term, read_worklist
from academe.platform.actor import Actor
from academe.platform.errors import PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn
from academe.platform.http.pagination import PageRequest, Paging
from academe.platform.http.routing import page_router
from academe.platform.pages import ChartSpec, Column, NavigationEntry, Sort, TableView, render

router = page_router()

ROWS: Final = 25
TABLE: Final = "worklist-students"
"""The element with the rows, which sorting and paging replace alone."""


def _looks_after_students(actor: Actor) -> bool:
    return actor.has_role(*policy.READERS)


def _advises(actor: Actor) -> bool:
    return actor.has_role(Role.ADVISOR)


def _teaches_or_records(actor: Actor) -> bool:
    return _looks_after_students(actor) and not _advises(actor)


_ENTRY: Final = NavigationEntry("Worklist", "/worklist", "list-check", section="Students")
NAVIGATION_FIRST: Final = (replace(_ENTRY, visible=_advises),)
"""For advisors the worklist is where the day begins."""

NAVIGATION: Final = (replace(_ENTRY, visible=_teaches_or_records),)

OFFERING_TABS: Final = (OfferingTab("Risk", "risk", visible=_looks_after_students),)
"""The tab that pages of an offering show beside their own."""

_COLUMNS: Final = (
    Column("number", "Student", sortable=True),
    Column("need", "Risk", sortable=True, descending_first=True, hint="Probability of failing or leaving"),
    Column("reasons", "Main reasons", hide_below="lg"),
    Column("change", "Trend", sortable=True, descending_first=True, hide_below="sm", hint="Eight weeks; change in one"),
    Column("last_visit", "Last visit", align="end", hide_below="md"),
)
_SORTABLE: Final = tuple(column.key for column in _COLUMNS if column.sortable)


@dataclass(frozen=True, slots=True)
class WorklistPart:
    """What moves with the week and the filters; `path` and `keep` lead back to the page with what it is about."""

    worklist: Worklist
    table: TableView[WorklistRow]
    bands: Sequence[tuple[str, int, str]]
    asked: Asked
    path: str
    keep: dict[str, str]
    shows_unit: bool
    attribution: str | None

    @property
    def keep_in_form(self) -> dict[str, str]:
        """What the form of the filters sends along: the term and the order. Its fields say the rest."""
        kept = {name: value for name, value in self.keep.items() if name != "offering"}
        return kept | {"sort": str(self.asked.sort)}

    def href(self, *, week: int) -> str:
        """The page as of another week."""
        return _address(self.path, self.keep, self.asked, week=week)


@dataclass(frozen=True, slots=True)
class WorklistPage:
    """The students of a term; `part` is None when there is no offering to look after."""

    part: WorklistPart | None
    terms: Sequence[tuple[str, str, bool, None]]
    term_title: str
    offerings: Sequence[tuple[str, str]]
    offering: str


@dataclass(frozen=True, slots=True)
class OfferingRiskPage:
    """The students of one offering, with how their probabilities are spread."""

    offering: OfferingHead
    part: WorklistPart
    distribution: ChartSpec | None


def asked_of(
    request: Request,
    week: str = "",
    band: str = "",
    trend: str = "",
    q: Annotated[str, Query(max_length=100)] = "",
) -> Asked:
    """What the address asks for; what cannot be understood asks for nothing."""
    return Asked(
        week=int(week) if week.isdecimal() and len(week) < 4 else None,
        band=RiskBand(band) if band in set(RiskBand) else None,
        search=q,
        rising=trend == "rising",
        sort=Sort.parse(request.query_params.get("sort"), allowed=_SORTABLE, default=BY_NEED),
    )


AskedOf = Annotated[Asked, Depends(asked_of)]


@router.get("/worklist")
async def show_worklist(
    request: Request,
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    asked: AskedOf,
    term: UUID | None = None,
    offering: str = "",
) -> Response:
    """The students that the reader looks after, those in greatest need first."""
    if not _looks_after_students(actor):
        raise PermissionDeniedError("The worklist is for those who teach or advise.")
    everything = await worklist_offerings(session, policy.risk_readable_by(actor))
    of_term = await offerings_of_term(session, everything, term)
    if not of_term:
        return render(request, "insight/worklist.html", WorklistPage(None, (), "", (), ""), block=_block(request))
    chosen = [each for each in of_term if str(each.id) == offering] or of_term
    keep = {"term": str(of_term[0].term_id)} if term else {}
    if len(chosen) < len(of_term):
        keep["offering"] = offering
    worklist = await read_worklist(session, chosen, asked, _short(request, paging))
    shown = WorklistPage(
        part=_part(request, worklist, asked, keep, shows_unit=len(of_term) > 1, offerings=chosen),
        terms=_terms(everything, of_term[0].term_id),
        term_title=of_term[0].term_title,
        offerings=[("", "All offerings"), *((str(each.id), f"{each.unit_code} {each.unit_title}") for each in of_term)],
        offering=keep.get("offering", ""),
    )
    return render(request, "insight/worklist.html", shown, block=_block(request))


@router.get("/offerings/{offering_id}/risk")
async def show_offering_risk(
    request: Request, offering_id: UUID, actor: SignedIn, session: ReadOnlySession, paging: Paging, asked: AskedOf
) -> Response:
    """The students of one offering by need, for those who teach it."""
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    found = await worklist_offerings(session, (Offering.id == offering.id) & policy.risk_readable_by(actor))
    worklist = await read_worklist(session, found, asked, _short(request, paging))
    shown = OfferingRiskPage(
        offering=head_of(offering, actor, tab="risk"),
        part=_part(request, worklist, asked, {}, shows_unit=False, offerings=found),
        distribution=await probability_distribution(session, worklist.asked),
    )
    return render(request, "insight/offering_risk.html", shown, block=_block(request))


def _part(
    request: Request,
    worklist: Worklist,
    asked: Asked,
    keep: dict[str, str],
    *,
    shows_unit: bool,
    offerings: Sequence[WorklistOffering],
) -> WorklistPart:
    path = request.url.path
    table = TableView(
        TABLE,
        request.url,
        _COLUMNS,
        worklist.found.rows,
        sort=asked.sort,
        next_cursor=worklist.found.next_cursor,
        previous_cursor=worklist.found.previous_cursor,
        total=worklist.total,
    )
    bands = [
        (band.value, count, _address(path, keep, asked, week=worklist.week.number, band=band))
        for band, count in worklist.counts.items()
    ]
    attribution = next((each.attribution for each in offerings if each.attribution), None)
    return WorklistPart(worklist, table, bands, asked, path, keep, shows_unit, attribution)


def _terms(offerings: Sequence[WorklistOffering], current: UUID) -> list[tuple[str, str, bool, None]]:
    titles = {each.term_id: each.term_title for each in offerings}
    return [(title, f"/worklist?term={term_id}", term_id == current, None) for term_id, title in titles.items()]


def _short(request: Request, paging: PageRequest) -> PageRequest:
    """As many rows as somebody reads in one go, unless the address asks for another number."""
    return paging if "limit" in request.query_params else replace(paging, limit=ROWS)


def _block(request: Request) -> str:
    """What htmx replaces: the rows alone, or with them everything that a filter or another week changes."""
    return "students" if request.headers.get("HX-Target") == TABLE else "worklist"


def _address(path: str, keep: dict[str, str], asked: Asked, *, week: int, band: RiskBand | None = None) -> str:
    query = keep | {"week": str(week)}
    if asked.search:
        query["q"] = asked.search
    if asked.rising:
        query["trend"] = "rising"
    if chosen := band or asked.band:
        query["band"] = chosen.value
    return f"{path}?{urlencode(query)}"
