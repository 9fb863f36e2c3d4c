"""The card of legal holds on the page about a person, and what its forms do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.models import Person
from academe.identity.people.cards import PersonCard
from academe.identity.privacy.holds.models import LegalHold
from academe.identity.privacy.holds.queries import holds_on
from academe.identity.privacy.holds.service import KEEPERS_ONLY, lift_hold, place_hold
from academe.identity.service import known_person
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.errors import InvalidInputError
from academe.platform.http.dependencies import SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, parse_form, redirect, render

router = page_router("/people/{person_id}/holds")


class HoldForm(BaseModel):
    """Why, and until when."""

    reason: str = Field(max_length=1000)
    until: date | None = None


@dataclass(frozen=True, slots=True)
class HoldsCard:
    """The holds in force on a person."""

    person: Person
    holds: Sequence[LegalHold]
    can_change: bool


@dataclass(frozen=True, slots=True)
class HoldPage:
    """The form that places a hold."""

    person: Person
    form: FormView


async def holds_card(session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """The legal holds on somebody, for those who keep records and, when there are any, for those who audit."""
    can_change = policy.can_register_people(actor, person.institution_id)
    holds = await holds_on(session, person.id)
    if not (can_change or holds):
        return None
    return PersonCard("identity/privacy/holds_card.html", HoldsCard(person, holds, can_change))


@router.get("/add")
async def show_form(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Ask why the records are kept."""
    person = await known_person(session, actor, person_id)
    policy.require(policy.can_register_people(actor, person.institution_id), actor, KEEPERS_ONLY)
    return render(request, "identity/privacy/hold.html", HoldPage(person, FormView()))


@router.post("/add")
async def add(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Place a hold."""
    person = await known_person(session, actor, person_id)
    parsed = parse_form(HoldForm, await request.form())
    if parsed.data is None:
        return render(request, "identity/privacy/hold.html", HoldPage(person, parsed.view), status=422)
    try:
        await place_hold(session, actor=actor, person_id=person_id, reason=parsed.data.reason, until=parsed.data.until)
    except InvalidInputError as error:
        page = HoldPage(person, parsed.view.with_errors(error.errors))
        return render(request, "identity/privacy/hold.html", page, status=422)
    return redirect(request, f"/people/{person_id}", "The records are under legal hold.")


@router.post("/{hold_id}/lift")
async def lift(request: Request, person_id: UUID, hold_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """End a hold."""
    await lift_hold(session, actor=actor, hold_id=hold_id)
    return redirect(request, f"/people/{person_id}", "The legal hold is lifted.")
