"""Pages that give and end roles, and the card about the roles of a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.access.grants.forms import EndForm, GrantForm
from academe.identity.access.grants.queries import ShownGrant, grant_shown, grants_of
from academe.identity.errors import RoleGrantNotFoundError
from academe.identity.models import OrgUnit, Person
from academe.identity.people.cards import PersonCard
from academe.identity.people.queries import choices_of
from academe.identity.service import end_role, grant_role, known_person, node_for
from academe.identity.types import AT_NODE, Role
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import ConflictError, InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, parse_form, redirect, render

router = page_router("/roles")

ROLES: Final = tuple((role.value, role.value.capitalize()) for role in AT_NODE if role is not Role.SERVICE)
ADMINISTRATORS_ONLY: Final = "Only administrators may grant roles, at their part of the organisation."


@dataclass(frozen=True, slots=True)
class GrantPage:
    """The form that gives a role: to somebody found by `search` at one node, or to one person at one of `nodes`."""

    node: OrgUnit | None
    person: Person | None
    search: str
    people: Sequence[tuple[str, str, str]]
    nodes: Sequence[tuple[str, str]]
    form: FormView
    roles: Sequence[tuple[str, str]] = ROLES

    @property
    def back(self) -> str:
        """Where one comes from."""
        return f"/organisation/{self.node.id}" if self.node else f"/people/{self.person.id}" if self.person else "/"


@dataclass(frozen=True, slots=True)
class EndPage:
    """The form that ends a role."""

    grant: ShownGrant
    form: FormView


@dataclass(frozen=True, slots=True)
class RolesCard:
    """The roles of a person, and whether the reader may give further ones and end which."""

    person: Person
    grants: Sequence[ShownGrant]
    may_end: frozenset[UUID]
    can_give: bool


@router.get("/add")
async def show_add(
    request: Request,
    actor: SignedIn,
    session: ReadOnlySession,
    node: UUID | None = None,
    person: UUID | None = None,
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The form that gives a role at a node, or to a person."""
    return await _form(request, session, actor, node, person, q, FormView({"person_id": person, "org_unit_id": node}))


@router.post("/add")
async def add(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Give the role."""
    submitted = await request.form()
    search = str(submitted.get("q", ""))[:100]
    parsed = parse_form(GrantForm, submitted)
    node, person = _id(submitted.get("node")), _id(submitted.get("person"))
    if parsed.data is None:
        return await _form(request, session, actor, node, person, search, parsed.view, status=422)
    try:
        await grant_role(session, actor=actor, **parsed.data.model_dump())
    except (InvalidInputError, ConflictError) as error:
        view = FormView(parsed.view.values, {}, () if error.errors else (error.message,)).with_errors(error.errors)
        return await _form(request, session, actor, node, person, search, view, status=error.status)
    back = f"/people/{person}" if person else f"/organisation/{parsed.data.org_unit_id}"
    return redirect(request, back, f"The role {parsed.data.role.value} was given.")


@router.get("/{grant_id}/end")
async def show_end(request: Request, grant_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The form that ends a role."""
    grant = await _to_end(session, actor, grant_id)
    return render(request, "identity/access/grant_end.html", EndPage(grant, FormView({"last_day": grant.ends_on})))


@router.post("/{grant_id}/end")
async def end(request: Request, grant_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """End it, at once or on a day."""
    grant = await _to_end(session, actor, grant_id)
    parsed = parse_form(EndForm, await request.form())
    if parsed.data is None:
        return render(request, "identity/access/grant_end.html", EndPage(grant, parsed.view), status=422)
    try:
        await end_role(session, actor=actor, grant_id=grant_id, last_day=parsed.data.last_day)
    except ConflictError as error:
        view = FormView(parsed.view.values, general_errors=[error.message])
        return render(request, "identity/access/grant_end.html", EndPage(grant, view), status=error.status)
    told = "The role ends on that day." if parsed.data.last_day else "The role has ended."
    return redirect(request, f"/people/{grant.person_id}", told)


async def roles_card(session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """The roles of a person, for those who may see them."""
    held = await grants_of(session, person.id)
    can_give = person.institution_id in {s.institution_id for s in actor.scopes if s.role == Role.ADMINISTRATOR}
    if not held and not can_give:
        return None
    may_end = frozenset(
        each.id for each in held if each.state != "ended" and each.role in policy.roles_to_give(actor, each.org_unit_id)
    )
    return PersonCard("identity/access/roles_card.html", RolesCard(person, held, may_end, can_give))


async def _form(
    request: Request,
    session: Session | ReadSession,
    actor: Actor,
    node_id: UUID | None,
    person_id: UUID | None,
    search: str,
    form: FormView,
    *,
    status: int = 200,
) -> Response:
    policy.require(actor.has_role(Role.ADMINISTRATOR), actor, ADMINISTRATORS_ONLY)
    node = await node_for(session, actor=actor, org_unit_id=node_id) if node_id else None
    if node is not None:
        policy.require(policy.can_administer(actor, node.id), actor, ADMINISTRATORS_ONLY)
    person = await known_person(session, actor, person_id) if person_id and node is None else None
    open_nodes = select(OrgUnit).where(policy.administrable_by(actor), OrgUnit.closed_on.is_(None))
    nodes = [] if node else (await session.scalars(open_nodes.order_by(OrgUnit.name))).all()
    page = GrantPage(
        node,
        person,
        search,
        await choices_of(session, actor, search) if person is None else (),
        [(str(each.id), each.name) for each in nodes],
        form,
    )
    return render(request, "identity/access/grant_form.html", page, status=status)


async def _to_end(session: Session | ReadSession, actor: Actor, grant_id: UUID) -> ShownGrant:
    grant = await grant_shown(session, grant_id)
    if grant is None:
        raise RoleGrantNotFoundError
    permitted = grant.role in policy.roles_to_give(actor, grant.org_unit_id)
    policy.require(permitted, actor, "Only administrators may end roles, at their part of the organisation.")
    return grant


def _id(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
