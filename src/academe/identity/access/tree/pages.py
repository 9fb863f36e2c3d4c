"""Pages of the organisation: the tree, and one node with the forms that change it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.access.grants.queries import ShownGrant, grants_at
from academe.identity.access.tree.forms import NodeForm, PlaceForm
from academe.identity.access.tree.queries import TreeNode, flattened, path_to, trees
from academe.identity.access.tree.service import (
    NOT_YOURS,
    change_org_unit,
    close_org_unit,
    move_org_unit,
    remove_org_unit,
)
from academe.identity.models import OrgUnit
from academe.identity.service import create_org_unit, node_for
from academe.identity.types import OrgUnitKind
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import ConflictError, InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, NavigationEntry, parse_form, redirect, render

TREE: Final = "/organisation"

router = page_router(TREE)

NAVIGATION: Final = (
    NavigationEntry("Organisation", TREE, "hierarchy", visible=policy.can_search_people, section="Institution"),
)
KINDS: Final = tuple((k.value, k.value.capitalize()) for k in OrgUnitKind if k is not OrgUnitKind.INSTITUTION)


@dataclass(frozen=True, slots=True)
class TreePage:
    """The institutions that the reader may see, with everything below them."""

    trees: Sequence[TreeNode]


@dataclass(frozen=True, slots=True)
class NodePage:
    """One node: where it lies, what lies below it, and the forms for those who administer it."""

    node: OrgUnit
    above: Sequence[tuple[str, str]]
    below: Sequence[OrgUnit]
    can_change: bool
    places: Sequence[tuple[str, str]]
    place: FormView
    grants: Sequence[ShownGrant]

    @property
    def href(self) -> str:
        """The address of this page."""
        return f"{TREE}/{self.node.id}"


@dataclass(frozen=True, slots=True)
class NodeFormPage:
    """The form of a node: of the one at `href`, or of one that is to be made below it."""

    title: str
    action: str
    above: Sequence[tuple[str, str]]
    href: str
    form: FormView
    kinds: Sequence[tuple[str, str]]


@router.get("")
async def show_tree(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """How the institution is divided."""
    policy.require(policy.can_search_people(actor), actor, "The organisation is for the staff of the institution.")
    return render(request, "identity/access/tree.html", TreePage(await trees(session, actor)))


@router.get("/{org_unit_id}")
async def show_node(request: Request, org_unit_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """One node."""
    return render(request, "identity/access/node.html", await _page(session, actor, org_unit_id))


@router.get("/{org_unit_id}/add")
async def show_add(request: Request, org_unit_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The form to add a node below this one."""
    above = await _to_change(session, actor, org_unit_id)
    form = FormView({"kind": OrgUnitKind.DEPARTMENT.value})
    return await _form(request, session, above, form, adding=True)


@router.post("/{org_unit_id}/add")
async def add_node(request: Request, org_unit_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Add a node below this one."""
    above = await _to_change(session, actor, org_unit_id)
    parsed = parse_form(NodeForm, await request.form())
    if parsed.data is None:
        return await _form(request, session, above, parsed.view, adding=True, status=422)
    try:
        async with session.begin_nested():
            node = await create_org_unit(session, actor=actor, parent_id=org_unit_id, **parsed.data.model_dump())
    except (InvalidInputError, ConflictError) as error:
        view = _with_fault(parsed.view, error)
        return await _form(request, session, above, view, adding=True, status=error.status)
    return redirect(request, f"{TREE}/{node.id}", f"{node.name} was added.")


@router.get("/{org_unit_id}/names")
async def show_names(request: Request, org_unit_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The form about what a node is and is called."""
    node = await _to_change(session, actor, org_unit_id)
    form = FormView({"kind": node.kind.value, "code": node.code, "name": node.name})
    return await _form(request, session, node, form, adding=False)


@router.post("/{org_unit_id}/names")
async def take_names(request: Request, org_unit_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Replace what a node is and is called."""
    node = await _to_change(session, actor, org_unit_id)
    parsed = parse_form(NodeForm, await request.form())
    if parsed.data is None:
        return await _form(request, session, node, parsed.view, adding=False, status=422)
    try:
        async with session.begin_nested():
            await change_org_unit(session, actor=actor, org_unit_id=org_unit_id, **parsed.data.model_dump())
    except (InvalidInputError, ConflictError) as error:
        view = _with_fault(parsed.view, error)
        return await _form(request, session, node, view, adding=False, status=error.status)
    return redirect(request, f"{TREE}/{org_unit_id}", "It was saved.")


@router.post("/{org_unit_id}/move")
async def take_place(request: Request, org_unit_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Put a node below another one."""
    parsed = parse_form(PlaceForm, await request.form())
    if parsed.data is None:
        page = replace(await _page(session, actor, org_unit_id), place=parsed.view)
        return render(request, "identity/access/node.html", page, status=422)
    try:
        async with session.begin_nested():
            await move_org_unit(session, actor=actor, org_unit_id=org_unit_id, parent_id=parsed.data.parent_id)
    except (InvalidInputError, ConflictError) as error:
        page = replace(await _page(session, actor, org_unit_id), place=_with_fault(parsed.view, error))
        return render(request, "identity/access/node.html", page, status=error.status)
    return redirect(request, f"{TREE}/{org_unit_id}", "It was moved.")


@router.post("/{org_unit_id}/closed")
async def take_closed(request: Request, org_unit_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Close a node, or open it again."""
    closed = (await request.form()).get("closed") == "true"
    node = await close_org_unit(session, actor=actor, org_unit_id=org_unit_id, closed=closed)
    return redirect(request, f"{TREE}/{node.id}", f"{node.name} is {'closed' if closed else 'open again'}.")


@router.post("/{org_unit_id}/remove")
async def remove_node(request: Request, org_unit_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Remove a node at which there never was anything."""
    node = await node_for(session, actor=actor, org_unit_id=org_unit_id)
    await remove_org_unit(session, actor=actor, org_unit_id=org_unit_id)
    return redirect(request, f"{TREE}/{node.parent_id}", f"{node.name} was removed.")


async def _page(session: Session | ReadSession, actor: Actor, org_unit_id: UUID) -> NodePage:
    node = await node_for(session, actor=actor, org_unit_id=org_unit_id)
    rows = flattened(await trees(session, actor))
    below = [unit for _, unit in rows if unit.parent_id == node.id]
    inside = {node.id}
    for _, unit in rows:  # each stands after the one above it
        if unit.parent_id in inside:
            inside.add(unit.id)
    places = [
        (str(unit.id), f"{'– ' * depth}{unit.name}")
        for depth, unit in rows
        if unit.institution_id == node.institution_id
        and unit.id not in inside
        and unit.closed_on is None
        and policy.can_administer(actor, unit.id)
    ]
    above = [(unit.name, f"{TREE}/{unit.id}") for unit in await path_to(session, node)]
    return NodePage(
        node,
        [("Organisation", TREE), *above],
        below,
        policy.can_administer(actor, node.id),
        places,
        FormView({"parent_id": str(node.parent_id)}),
        await grants_at(session, node.id),
    )


async def _to_change(session: Session | ReadSession, actor: Actor, org_unit_id: UUID) -> OrgUnit:
    node = await node_for(session, actor=actor, org_unit_id=org_unit_id)
    policy.require(policy.can_administer(actor, node.id), actor, NOT_YOURS)
    return node


async def _form(
    request: Request, session: Session | ReadSession, node: OrgUnit, form: FormView, *, adding: bool, status: int = 200
) -> Response:
    href = f"{TREE}/{node.id}"
    above = [("Organisation", TREE), *((unit.name, f"{TREE}/{unit.id}") for unit in await path_to(session, node))]
    root = not adding and node.parent_id is None
    page = NodeFormPage(
        title=f"Add a part of {node.name}" if adding else f"Name and kind of {node.name}",
        action=f"{href}/{'add' if adding else 'names'}",
        above=[*above, (node.name, href)],
        href=href,
        form=form,
        kinds=[(OrgUnitKind.INSTITUTION.value, "Institution")] if root else KINDS,
    )
    return render(request, "identity/access/node_form.html", page, status=status)


def _with_fault(view: FormView, error: InvalidInputError | ConflictError) -> FormView:
    """What is wrong, beside its field, or above the form when it is about no field."""
    if error.errors:
        return view.with_errors(error.errors)
    return replace(view, general_errors=[*view.general_errors, error.message])
