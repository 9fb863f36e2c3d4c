"""Pages of guardians: for those who link them, and for the student who consents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.access.guardians.forms import GuardianForm
from academe.identity.access.guardians.queries import PARTS, ShownGuardianship, guardianships
from academe.identity.access.guardians.service import NOT_YOURS, consent, end_guardianship, link_guardian
from academe.identity.models import Person
from academe.identity.people.cards import PersonCard
from academe.identity.people.queries import choices_of
from academe.identity.service import known_person
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import ConflictError, InvalidInputError, PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, parse_form, redirect, render

router = page_router()

OWN: str = "/account/guardians"


@dataclass(frozen=True, slots=True)
class OwnGuardiansPage:
    """Who looks after the reader, with a form for each that says what they may see."""

    guardians: Sequence[tuple[ShownGuardianship, FormView]]
    parts: Sequence[tuple[str, str, str]] = tuple((part, label, "") for part, label in PARTS)


@dataclass(frozen=True, slots=True)
class AddGuardianPage:
    """The form that links somebody found by `search` to a student."""

    student: Person
    search: str
    people: Sequence[tuple[str, str, str]]
    form: FormView

    @property
    def href(self) -> str:
        """The address of this page."""
        return f"/people/{self.student.id}/guardians/add"


@dataclass(frozen=True, slots=True)
class GuardiansCard:
    """Who looks after somebody, and after whom they look."""

    person: Person
    guardians: Sequence[ShownGuardianship]
    children: Sequence[ShownGuardianship]


@router.get(OWN)
async def show_own(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """Who looks after the reader, and what they may see."""
    if actor.person_id is None:
        raise PermissionDeniedError("Only people have guardians.")
    found = await guardianships(session, student_id=actor.person_id)
    shown = [(each, FormView({"parts": list(each.seen)})) for each in found]
    return render(request, "identity/access/own_guardians.html", OwnGuardiansPage(shown))


@router.post(OWN + "/{guardianship_id}")
async def take_consent(request: Request, guardianship_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Let a guardian see some parts of one's record, or none any more."""
    parts = [str(each) for each in (await request.form()).getlist("parts")]
    await consent(session, actor=actor, guardianship_id=guardianship_id, parts=parts)
    told = "Your guardian sees what you ticked." if parts else "Your guardian sees nothing of your record any more."
    return redirect(request, OWN, told)


@router.get("/people/{person_id}/guardians/add")
async def show_add(
    request: Request,
    person_id: UUID,
    actor: SignedIn,
    session: ReadOnlySession,
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The form that links a guardian."""
    return await _form(request, session, actor, person_id, q, FormView())


@router.post("/people/{person_id}/guardians/add")
async def add(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Link a guardian."""
    submitted = await request.form()
    search = str(submitted.get("q", ""))[:100]
    parsed = parse_form(GuardianForm, submitted)
    if parsed.data is None:
        return await _form(request, session, actor, person_id, search, parsed.view, status=422)
    try:
        await link_guardian(session, actor=actor, student_id=person_id, **parsed.data.model_dump())
    except (InvalidInputError, ConflictError) as error:
        view = FormView(parsed.view.values, {}, () if error.errors else (error.message,)).with_errors(error.errors)
        return await _form(request, session, actor, person_id, search, view, status=error.status)
    return redirect(request, f"/people/{person_id}", "The guardian was added.")


@router.post("/guardianships/{guardianship_id}/end")
async def end(request: Request, guardianship_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Let a guardianship end at once."""
    link = await end_guardianship(session, actor=actor, guardianship_id=guardianship_id)
    return redirect(request, f"/people/{link.student_id}", "They are no guardian any more.")


async def guardians_card(session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """Who looks after somebody, for those who keep records."""
    if not policy.can_register_people(actor, person.institution_id):
        return None
    card = GuardiansCard(
        person,
        await guardianships(session, student_id=person.id),
        await guardianships(session, guardian_id=person.id),
    )
    return PersonCard("identity/access/guardians_card.html", card)


async def _form(
    request: Request,
    session: Session | ReadSession,
    actor: Actor,
    person_id: UUID,
    search: str,
    form: FormView,
    *,
    status: int = 200,
) -> Response:
    student = await known_person(session, actor, person_id)
    policy.require(policy.can_register_people(actor, student.institution_id), actor, NOT_YOURS)
    page = AddGuardianPage(student, search, await choices_of(session, actor, search), form)
    return render(request, "identity/access/guardian_form.html", page, status=status)
