"""Pages of people: the directory, one person made of cards, and the forms that add and correct somebody."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from academe.identity import policy
from academe.identity.models import OrgUnit, Person, PersonParticulars
from academe.identity.people.cards import PersonCard, cards_about
from academe.identity.people.export import people_csv, record_people_export
from academe.identity.people.forms import AccountForm, NamesForm, ParticularsForm
from academe.identity.people.queries import (
    DirectoryFilter,
    ListedPerson,
    ShownAccount,
    account_of,
    has_picture,
    listed,
    page_of_people,
    programs_to_choose,
    similar_people,
)
from academe.identity.people.service import change_names, read_particulars
from academe.identity.queries import org_units_of
from academe.identity.service import about, create_person, known_person, set_particulars, set_person_status
from academe.identity.sign_in.service import create_account
from academe.identity.types import PersonStatus, Role
from academe.platform.actor import Actor
from academe.platform.audit.service import record_access
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import ConflictError, InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Page, PageRequest, Paging
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, FormView, NavigationEntry, TableView, parse_form, redirect, render

router = page_router("/people")

NAVIGATION: Final = (
    NavigationEntry("People", "/people", "users", visible=policy.can_search_people, section="Institution"),
)
PURPOSE: Final = "keeping the record"
READING: Final = "page about a person"

_COLUMNS: Final = (
    Column("name", "Name"),
    Column("roles", "Roles", hide_below="sm"),
    Column("sourced", "Key elsewhere", hide_below="md"),
    Column("status", "Status"),
)


@dataclass(frozen=True, slots=True)
class DirectoryPage:
    """The directory as it was asked for. `similar` are people with names like it, when nobody has it."""

    people: TableView[ListedPerson]
    similar: Sequence[ListedPerson]
    search: str
    role: str
    node: str
    status: str
    program: str
    roles: Sequence[tuple[str, str]]
    nodes: Sequence[tuple[str, str]]
    programs: Sequence[tuple[str, str]]
    can_add: bool
    export_href: str


@dataclass(frozen=True, slots=True)
class PersonPage:
    """A person: names, what the reader may see beside them, and the cards that others bring."""

    person: Person
    particulars: PersonParticulars | None
    account: ShownAccount | None
    has_picture: bool
    can_change: bool
    can_manage_account: bool
    account_form: FormView
    cards: Sequence[PersonCard]

    @property
    def href(self) -> str:
        """The address of this page."""
        return f"/people/{self.person.id}"


@dataclass(frozen=True, slots=True)
class PersonFormPage:
    """A form about one person, or about somebody who is to be added."""

    form: FormView
    name: str = ""
    href: str = "/people"


async def directory_filter(
    q: Annotated[str, Query(max_length=100)] = "",
    role: str = "",
    node: str = "",
    status: str = "",
    program: str = "",
) -> DirectoryFilter:
    """What the address asks for; what it does not understand is left out."""
    return DirectoryFilter(
        q.strip(),
        Role(role) if role in set(Role) else None,
        UUID(node) if _is_uuid(node) else None,
        PersonStatus(status) if status in set(PersonStatus) else None,
        UUID(program) if _is_uuid(program) else None,
    )


@router.get("")
async def list_people(
    request: Request,
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    wanted: Annotated[DirectoryFilter, Depends(directory_filter)],
) -> Response:
    """The people of the institution, searched, filtered and paged by the address."""
    policy.require(policy.can_search_people(actor), actor, policy.STAFF_ONLY)
    page, similar = await find(session, actor, wanted, paging)
    table = TableView(
        "people",
        request.url,
        _COLUMNS,
        page.items,
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )
    shown = DirectoryPage(
        table,
        similar,
        wanted.search,
        wanted.role or "",
        str(wanted.org_unit_id or ""),
        wanted.status or "",
        str(wanted.program_id or ""),
        [("", "Any role"), *((each.value, each.value.capitalize()) for each in Role)],
        [("", "Everywhere"), *await _nodes(session, actor)],
        [("", "Any programme"), *await programs_to_choose(session, actor)],
        bool(policy.institutions_to_register(actor)),
        f"/people/export.csv?{request.url.query}",
    )
    return render(request, "identity/people.html", shown, block="people")


@router.get("/export.csv")
async def download_people(
    request: Request,
    actor: SignedIn,
    session: WriteSession,
    wanted: Annotated[DirectoryFilter, Depends(directory_filter)],
) -> Response:
    """Everybody for a filter as CSV, streamed; taking the list away leaves an entry in the audit."""
    record_people_export(session, actor=actor)
    database = database_of(request)

    async def body() -> AsyncIterator[str]:
        # The request's own transaction ends before the first byte is sent.
        async with database.reading(actor) as reading:
            async for piece in people_csv(reading, actor, wanted):
                yield piece

    headers = {"Content-Disposition": 'attachment; filename="people.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(body(), media_type="text/csv; charset=utf-8", headers=headers)


async def find(
    session: ReadSession | Session, actor: Actor, wanted: DirectoryFilter, paging: PageRequest
) -> tuple[Page[ListedPerson], Sequence[ListedPerson]]:
    """A page of the directory, and people with similar names when a search found nobody."""
    page = await page_of_people(session, actor, wanted, paging)
    if page.items or not wanted.words or paging.cursor:
        return page, ()
    return page, [listed(row) for row in await session.execute(similar_people(actor, wanted))]


@router.get("/add")
async def show_add(request: Request, actor: SignedIn) -> Response:
    """The form to add somebody."""
    _require_registering(actor)
    return render(request, "identity/person_form.html", PersonFormPage(FormView()))


@router.post("/add")
async def add(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Make somebody known to the institution."""
    _require_registering(actor)
    parsed = parse_form(NamesForm, await request.form())
    if parsed.data is None:
        return render(request, "identity/person_form.html", PersonFormPage(parsed.view), status=422)
    names = parsed.data.names
    try:
        async with session.begin_nested():
            person = await create_person(
                session,
                actor=actor,
                institution_id=policy.institutions_to_register(actor)[0],
                display_name=names.display_name,
                sourced_id=names.sourced_id,
            )
            await change_names(session, actor=actor, person_id=person.id, names=names)
    except (InvalidInputError, ConflictError) as error:
        view = parsed.view.with_errors(error.errors)
        return render(request, "identity/person_form.html", PersonFormPage(view), status=error.status)
    return redirect(request, f"/people/{person.id}", f"{person.display_name} was added.")


@router.get("/{person_id}")
async def show_person(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """One person; what is private about them is shown to those who keep records, and leaves an entry in the audit."""
    person = await known_person(session, actor, person_id)
    if person.merged_into_id is not None:
        return redirect(request, f"/people/{person.merged_into_id}", "This person was merged into this one.")
    return await _person_page(request, session, actor, person_id, FormView())


@router.get("/{person_id}/names")
async def show_names(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """The form that corrects names."""
    person = await _to_change(session, actor, person_id)
    record_access(session, actor=actor, subject=about(person), purpose=PURPOSE)
    values = {field: getattr(person, field) for field in NamesForm.model_fields}
    page = PersonFormPage(FormView(values), person.display_name, f"/people/{person.id}")
    return render(request, "identity/person_form.html", page)


@router.post("/{person_id}/names")
async def take_names(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Correct what somebody is called."""
    person = await _to_change(session, actor, person_id)
    page = PersonFormPage(FormView(), person.display_name, f"/people/{person.id}")
    parsed = parse_form(NamesForm, await request.form())
    if parsed.data is None:
        return render(request, "identity/person_form.html", _with(page, parsed.view), status=422)
    try:
        await change_names(session, actor=actor, person_id=person_id, names=parsed.data.names)
    except (InvalidInputError, ConflictError) as error:
        view = parsed.view.with_errors(error.errors)
        return render(request, "identity/person_form.html", _with(page, view), status=error.status)
    return redirect(request, page.href, "The names were saved.")


@router.get("/{person_id}/particulars")
async def show_particulars(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """The form about how somebody is reached."""
    person = await _to_change(session, actor, person_id)
    known = await read_particulars(session, actor=actor, person=person, purpose=PURPOSE)
    values = {field: getattr(known, field, None) for field in ParticularsForm.model_fields}
    page = PersonFormPage(FormView(values), person.display_name, f"/people/{person.id}")
    return render(request, "identity/particulars_form.html", page)


@router.post("/{person_id}/particulars")
async def take_particulars(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Save how somebody is reached and when they were born."""
    person = await _to_change(session, actor, person_id)
    page = PersonFormPage(FormView(), person.display_name, f"/people/{person.id}")
    parsed = parse_form(ParticularsForm, await request.form())
    if parsed.data is None:
        return render(request, "identity/particulars_form.html", _with(page, parsed.view), status=422)
    try:
        await set_particulars(session, actor=actor, person_id=person_id, **parsed.data.model_dump())
    except InvalidInputError as error:
        view = parsed.view.with_errors(error.errors)
        return render(request, "identity/particulars_form.html", _with(page, view), status=error.status)
    return redirect(request, page.href, "The particulars were saved.")


@router.post("/{person_id}/status")
async def take_status(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Deactivate somebody, or let them take part again."""
    form = await request.form()
    wanted = PersonStatus.DEACTIVATED if form.get("status") == PersonStatus.DEACTIVATED else PersonStatus.ACTIVE
    person = await set_person_status(session, actor=actor, person_id=person_id, status=wanted)
    told = "is deactivated" if wanted is PersonStatus.DEACTIVATED else "takes part again"
    return redirect(request, f"/people/{person.id}", f"{person.display_name} {told}.")


@router.post("/{person_id}/account")
async def take_account(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Let somebody sign in with an address."""
    person = await known_person(session, actor, person_id)
    parsed = parse_form(AccountForm, await request.form())
    if parsed.data is None:
        return await _person_page(request, session, actor, person_id, parsed.view, status=422)
    try:
        async with session.begin_nested():
            await create_account(session, actor=actor, person_id=person_id, email=parsed.data.email)
    except (InvalidInputError, ConflictError) as error:
        view = parsed.view.with_errors(error.errors)
        return await _person_page(request, session, actor, person_id, view, status=error.status)
    return redirect(request, f"/people/{person.id}", "The account was made.")


async def _person_page(
    request: Request, session: Session, actor: Actor, person_id: UUID, form: FormView, *, status: int = 200
) -> Response:
    person = await known_person(session, actor, person_id)
    particulars = await read_particulars(session, actor=actor, person=person, purpose=PURPOSE)
    if particulars is None:
        record_access(session, actor=actor, subject=about(person), purpose=READING)
    can_manage = policy.can_manage_accounts(actor, person.institution_id)
    page = PersonPage(
        person,
        particulars,
        await account_of(session, person.id) if can_manage else None,
        await has_picture(session, person.id),
        policy.can_register_people(actor, person.institution_id),
        can_manage,
        form,
        await cards_about(session, actor, person),
    )
    return render(request, "identity/person.html", page, status=status)


async def _to_change(session: Session | ReadSession, actor: Actor, person_id: UUID) -> Person:
    person = await known_person(session, actor, person_id)
    permitted = policy.can_register_people(actor, person.institution_id)
    policy.require(permitted, actor, "Only registrars and administrators may change people.")
    return person


async def _nodes(session: ReadSession, actor: Actor) -> list[tuple[str, str]]:
    institutions = sorted({scope.institution_id for scope in actor.scopes if scope.role in policy.STAFF})
    nodes: list[tuple[str, str]] = []
    for institution_id in institutions:
        found = await session.scalars(org_units_of(institution_id).order_by(None).order_by(OrgUnit.name))
        nodes += [(str(node.id), node.name) for node in found]
    return nodes


def _require_registering(actor: Actor) -> None:
    permitted = bool(policy.institutions_to_register(actor))
    policy.require(permitted, actor, "Only registrars and administrators may add people.")


def _with(page: PersonFormPage, form: FormView) -> PersonFormPage:
    return PersonFormPage(form, page.name, page.href)


def _is_uuid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
