"""JSON of the organisation tree."""

from typing import Final
from uuid import UUID

from sqlalchemy import select

from academe.identity import policy
from academe.identity.access.tree.schemas import ClosedIn, NewNodeIn, NodeIn, NodeOut, PlaceIn
from academe.identity.access.tree.service import change_org_unit, close_org_unit, move_org_unit, remove_org_unit
from academe.identity.models import OrgUnit
from academe.identity.service import create_org_unit, node_for
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, SortKey, fetch_page
from academe.platform.http.routing import api_router, safe_to_repeat

router = api_router("/org-units", tag="organisation")

BY_CODE: Final = (SortKey("code", OrgUnit.code), SortKey("id", OrgUnit.id))


@router.get("")
async def list_org_units(actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Page[NodeOut]:
    """The nodes of the caller's institution, by code."""
    wanted = select(OrgUnit).where(policy.organisation_seen_by(actor))
    return await fetch_page(session, wanted, BY_CODE, paging, lambda row: _shown(row[0]))


@router.post("", status_code=201)
@safe_to_repeat
async def add_org_unit(body: NewNodeIn, actor: SignedIn, session: WriteSession) -> NodeOut:
    """Add a node below another one."""
    return _shown(await create_org_unit(session, actor=actor, **body.model_dump()))


@router.get("/{org_unit_id}")
async def show_org_unit(org_unit_id: UUID, actor: SignedIn, session: ReadOnlySession) -> NodeOut:
    """One node."""
    return _shown(await node_for(session, actor=actor, org_unit_id=org_unit_id))


@router.put("/{org_unit_id}")
@safe_to_repeat
async def put_org_unit(org_unit_id: UUID, body: NodeIn, actor: SignedIn, session: WriteSession) -> NodeOut:
    """Replace what a node is and is called."""
    return _shown(await change_org_unit(session, actor=actor, org_unit_id=org_unit_id, **body.model_dump()))


@router.put("/{org_unit_id}/parent")
@safe_to_repeat
async def put_parent(org_unit_id: UUID, body: PlaceIn, actor: SignedIn, session: WriteSession) -> NodeOut:
    """Put a node, with everything below it, below another one."""
    return _shown(await move_org_unit(session, actor=actor, org_unit_id=org_unit_id, parent_id=body.parent_id))


@router.put("/{org_unit_id}/closed")
@safe_to_repeat
async def put_closed(org_unit_id: UUID, body: ClosedIn, actor: SignedIn, session: WriteSession) -> NodeOut:
    """Close a node, which keeps what it has and gets nothing new, or open it again."""
    return _shown(await close_org_unit(session, actor=actor, org_unit_id=org_unit_id, closed=body.closed))


@router.delete("/{org_unit_id}", status_code=204)
@safe_to_repeat
async def delete_org_unit(org_unit_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Remove a node at which there never was anything."""
    await remove_org_unit(session, actor=actor, org_unit_id=org_unit_id)


def _shown(node: OrgUnit) -> NodeOut:
    return NodeOut.model_validate(node, from_attributes=True)
