"""The card about restriction on the page about a person, and the form that restricts or lifts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.models import Person
from academe.identity.people.cards import PersonCard
from academe.identity.privacy.restriction.models import ProcessingRestriction
from academe.identity.privacy.restriction.service import (
    KEEPERS_ONLY,
    LONGEST,
    lift_restriction,
    restrict_processing,
    restrictions_of,
)
from academe.identity.service import known_person
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.errors import InvalidInputError
from academe.platform.http.dependencies import SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, parse_form, redirect, render

router = page_router("/people/{person_id}/restriction")


class RestrictionForm(BaseModel):
    """Why."""

    reason: str = Field(max_length=LONGEST)


@dataclass(frozen=True, slots=True)
class RestrictionCard:
    """What was restricted and lifted, for those who keep records; for others that it is restricted."""

    person: Person
    restrictions: Sequence[ProcessingRestriction]
    can_change: bool


@dataclass(frozen=True, slots=True)
class RestrictionPage:
    """The form that restricts, or where it is restricted lifts."""

    person: Person
    form: FormView


async def restriction_card(session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """The mark for everybody, and the history for those who keep records."""
    can_change = policy.can_register_people(actor, person.institution_id)
    if not (can_change or person.is_restricted):
        return None
    restrictions = await restrictions_of(session, person.id)
    return PersonCard("identity/privacy/restriction_card.html", RestrictionCard(person, restrictions, can_change))


@router.get("")
async def show_restriction_form(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Ask why the data are not to be used, or may be used again."""
    person = await known_person(session, actor, person_id)
    policy.require(policy.can_register_people(actor, person.institution_id), actor, KEEPERS_ONLY)
    return render(request, "identity/privacy/restriction.html", RestrictionPage(person, FormView()))


@router.post("")
async def take_restriction(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Restrict."""
    return await _take(request, session, actor, person_id, lift=False)


@router.post("/lift")
async def take_lift(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Lift the restriction."""
    return await _take(request, session, actor, person_id, lift=True)


async def _take(request: Request, session: Session, actor: Actor, person_id: UUID, *, lift: bool) -> Response:
    person = await known_person(session, actor, person_id)
    parsed = parse_form(RestrictionForm, await request.form())
    if parsed.data is None:
        return render(request, "identity/privacy/restriction.html", RestrictionPage(person, parsed.view), status=422)
    verb = lift_restriction if lift else restrict_processing
    try:
        await verb(session, actor=actor, person_id=person_id, reason=parsed.data.reason)
    except InvalidInputError as error:
        page = RestrictionPage(person, parsed.view.with_errors(error.errors))
        return render(request, "identity/privacy/restriction.html", page, status=422)
    told = "The data may be used again." if lift else "The data are kept and not used."
    return redirect(request, f"/people/{person_id}", f"{told} The person is told.")
