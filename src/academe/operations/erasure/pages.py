"""The page that shows what an erasure takes and leaves, and asks for it; the card on the page about a person."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from academe.identity.api import PersonCard, can_register_people, holds_on
from academe.identity.models import Person
from academe.operations.erasure.errors import ErasedAlreadyError
from academe.operations.erasure.models import Erasure
from academe.operations.erasure.queries import Preview, erasure_of
from academe.operations.erasure.service import check_erasure, erasable, previewed
from academe.operations.erasure.tasks import ErasureArguments, erase
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.errors import InvalidInputError
from academe.platform.http.dependencies import SignedIn, WriteSession, database_of
from academe.platform.http.routing import page_router
from academe.platform.jobs.service import enqueue
from academe.platform.pages import FormView, parse_form, redirect, render

router = page_router("/people/{person_id}/erasure")

TEMPLATE: Final = "operations/erasure.html"


class ErasureForm(BaseModel):
    """Why, and that it is meant."""

    reason: str = Field(max_length=1000)
    confirmation: str = ""


@dataclass(frozen=True, slots=True)
class ErasurePage:
    """Who is to be erased, what goes and what stays; `is_held` says that a legal hold is in the way."""

    person: Person
    preview: Preview
    is_held: bool
    form: FormView


@dataclass(frozen=True, slots=True)
class ErasureCard:
    """That somebody was erased, or the way to it."""

    person: Person
    erasure: Erasure | None


async def erasure_card(session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """The way to an erasure, for those who keep records."""
    if person.id == actor.person_id or not can_register_people(actor, person.institution_id):
        return None
    return PersonCard("operations/erasure_card.html", ErasureCard(person, await erasure_of(session, person.id)))


@router.get("")
async def show_preview(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """What goes, what stays, and why."""
    return await _page(request, session, actor, person_id, FormView())


@router.post("")
async def ask(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Ask for the erasure, when the name was typed."""
    parsed = parse_form(ErasureForm, await request.form())
    if parsed.data is None:
        return await _page(request, session, actor, person_id, parsed.view, status=422)
    given = parsed.data
    try:
        await check_erasure(
            session, actor=actor, person_id=person_id, reason=given.reason, confirmation=given.confirmation
        )
    except InvalidInputError as error:
        view = parsed.view.with_errors(error.errors)
        return await _page(request, session, actor, person_id, view, status=422)
    arguments = ErasureArguments(person_id=person_id, reason=given.reason)
    job_id = await enqueue(session, actor=actor, job=erase, arguments=arguments)
    return redirect(request, f"/jobs/{job_id}", "The erasure begins.")


async def _page(
    request: Request, session: Session, actor: Actor, person_id: UUID, form: FormView, *, status: int = 200
) -> Response:
    person = await erasable(session, actor=actor, person_id=person_id)
    if await erasure_of(session, person_id):
        raise ErasedAlreadyError
    is_held = bool(await holds_on(session, person_id))
    preview = await previewed(database_of(request), session, actor=actor, person=person)
    return render(request, TEMPLATE, ErasurePage(person, preview, is_held, form), status=status)
