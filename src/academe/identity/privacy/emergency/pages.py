"""Pages of access in an emergency: the form that opens a record, and what auditors make of it."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.models import Person
from academe.identity.people.cards import PersonCard
from academe.identity.privacy.emergency.errors import OpeningRunsError
from academe.identity.privacy.emergency.queries import (
    NEWEST_FIRST,
    ShownOpening,
    openings_to_audit,
    own_opening,
    shown,
)
from academe.identity.privacy.emergency.service import (
    LONGEST_REASON,
    STAFF_ONLY,
    can_open,
    close_opening,
    open_record,
    opening_to_audit,
    review_opening,
)
from academe.identity.privacy.policy import AUDITORS_ONLY, audits
from academe.identity.service import known_person
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.database.session import Session
from academe.platform.errors import InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Paging, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, FormView, NavigationEntry, TableView, parse_form, redirect, render

LIST: Final = "/emergency-access"

router = page_router()

NAVIGATION: Final = (
    NavigationEntry("Emergency access", LIST, "alert-triangle", visible=audits, section="Institution"),
)

_COLUMNS: Final = (
    Column("opened", "Opened"),
    Column("opener", "By"),
    Column("person", "Whose record", hide_below="sm"),
    Column("state", "State"),
)


class OpeningForm(BaseModel):
    """Why the record must be read now."""

    reason: str = Field(max_length=LONGEST_REASON)


class ReviewForm(BaseModel):
    """What the auditor thinks of it."""

    note: str = Field(max_length=LONGEST_REASON)


@dataclass(frozen=True, slots=True)
class OpeningCard:
    """On the page about a person: the way to their whole record. `opened`: it is open to the reader now."""

    person: Person
    opened: bool


@dataclass(frozen=True, slots=True)
class OpeningPage:
    """The form that opens a record."""

    person: Person
    form: FormView


@dataclass(frozen=True, slots=True)
class OpeningsPage:
    """Every opening, or with `waiting` those that nobody has reviewed."""

    table: TableView[ShownOpening]
    waiting: str


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """One opening, and the form that reviews it."""

    opening: ShownOpening
    form: FormView
    may_review: bool


async def opening_card(session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """For staff who may not read the whole record by their role."""
    if not can_open(actor, person) or policy.can_register_people(actor, person.institution_id):
        return None
    opened = await own_opening(session, actor=actor, person_id=person.id) is not None
    return PersonCard("identity/privacy/opening_card.html", OpeningCard(person, opened))


@router.get("/people/{person_id}/emergency")
async def show_opening_form(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Ask why the record must be read."""
    person = await known_person(session, actor, person_id)
    policy.require(can_open(actor, person), actor, STAFF_ONLY)
    return render(request, "identity/privacy/opening_form.html", OpeningPage(person, FormView()))


@router.post("/people/{person_id}/emergency")
async def take_opening(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Open the record for an hour."""
    person = await known_person(session, actor, person_id)
    parsed = parse_form(OpeningForm, await request.form())
    if parsed.data is None:
        page = OpeningPage(person, parsed.view)
        return render(request, "identity/privacy/opening_form.html", page, status=422)
    try:
        await open_record(session, actor=actor, person_id=person_id, reason=parsed.data.reason)
    except InvalidInputError as error:
        page = OpeningPage(person, parsed.view.with_errors(error.errors))
        return render(request, "identity/privacy/opening_form.html", page, status=422)
    return redirect(request, f"/people/{person_id}/record", "The record is open for an hour. Auditors were told.")


@router.post(LIST + "/{opening_id}/close")
async def take_close(request: Request, opening_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """End an opening before its time."""
    opening = await close_opening(session, actor=actor, opening_id=opening_id)
    is_own = opening.opened_by == actor.person_id
    return redirect(request, f"/people/{opening.person_id}" if is_own else f"{LIST}/{opening_id}", "The access ended.")


@router.get(LIST)
async def list_openings(
    request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging, waiting: str = ""
) -> Response:
    """Every opening in the institutions that the reader audits, newest first."""
    policy.require(audits(actor), actor, AUDITORS_ONLY)
    wanted = openings_to_audit(actor, waiting=waiting == "yes")
    found = await fetch_page(session, wanted, NEWEST_FIRST, paging, shown)
    table = TableView(
        "openings",
        request.url,
        _COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    return render(request, "identity/privacy/openings.html", OpeningsPage(table, waiting), block="openings")


@router.get(LIST + "/{opening_id}")
async def show_opening(request: Request, opening_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """One opening with its reason; reading it leaves an entry."""
    return await _review_page(request, session, actor, opening_id, FormView())


@router.post(LIST + "/{opening_id}/review")
async def take_review(request: Request, opening_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Review an opening that is over."""
    parsed = parse_form(ReviewForm, await request.form())
    if parsed.data is None:
        return await _review_page(request, session, actor, opening_id, parsed.view, status=422)
    try:
        await review_opening(session, actor=actor, opening_id=opening_id, note=parsed.data.note)
    except (InvalidInputError, OpeningRunsError) as error:
        view = parsed.view.with_errors(error.errors)
        if not error.errors:
            view = FormView(view.values, general_errors=[error.message])
        return await _review_page(request, session, actor, opening_id, view, status=error.status)
    return redirect(request, f"{LIST}/{opening_id}", "The review was saved.")


async def _review_page(
    request: Request, session: Session, actor: Actor, opening_id: UUID, form: FormView, *, status: int = 200
) -> Response:
    opening = await opening_to_audit(session, actor=actor, opening_id=opening_id)
    about = Subject("emergency_opening", opening.id, None, opening.person_id)
    record_access(session, actor=actor, subject=about, purpose="audit")
    page = ReviewPage(opening, form, not opening.runs and opening.opened_by != actor.person_id)
    return render(request, "identity/privacy/opening.html", page, status=status)
