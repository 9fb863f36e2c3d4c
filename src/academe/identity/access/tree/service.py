"""Verbs of the organisation tree beyond `identity.service.create_org_unit`. They flush, record, and never commit."""

from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError

from academe.identity import policy
from academe.identity.errors import CodeInUseError, NodeClosedError, NodeInUseError
from academe.identity.models import OrgUnit
from academe.identity.queries import subtree
from academe.identity.service import checked_node_names, node_for, record_node
from academe.identity.sign_in.actors import forget_actors
from academe.identity.types import OrgUnitKind
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError

NOT_YOURS = "Only administrators may change the organisation, in their part of it."


async def change_org_unit(
    session: Session, *, actor: Actor, org_unit_id: UUID, kind: OrgUnitKind, code: str, name: str
) -> OrgUnit:
    """Replace what a node is called and what it is.

    Raises OrgUnitNotFoundError, PermissionDeniedError, CodeInUseError, and InvalidInputError for an empty or too long
    name, and for a root that would be no institution or a second institution below one.
    """
    node = await _administered(session, actor, org_unit_id)
    code, name = checked_node_names(code, name)
    if (kind is OrgUnitKind.INSTITUTION) != (node.parent_id is None):
        raise InvalidInputError(
            errors=[FieldError("kind", "The top of the tree is the institution, and nothing else.")]
        )
    wanted = {"kind": kind, "code": code, "name": name}
    changes = {field: [getattr(node, field), value] for field, value in wanted.items() if getattr(node, field) != value}
    if not changes:
        return node
    try:
        async with session.begin_nested():
            for field in changes:
                setattr(node, field, wanted[field])
    except IntegrityError as error:
        raise CodeInUseError(code) from error
    record_node(session, actor, node, "org_unit.renamed", f"{code} renamed", changes)
    return node


async def move_org_unit(session: Session, *, actor: Actor, org_unit_id: UUID, parent_id: UUID) -> OrgUnit:
    """Put a node, with everything below it, below another one; roles held above it flow down to it from then on.

    Raises OrgUnitNotFoundError, PermissionDeniedError unless both are administered, NodeClosedError, and
    InvalidInputError for the root, another institution, or a place below the node itself.
    """
    node = await _administered(session, actor, org_unit_id)
    parent = await _administered(session, actor, parent_id)
    if node.parent_id is None:
        raise InvalidInputError(errors=[FieldError("parent_id", "The institution stays at the top.")])
    if parent.institution_id != node.institution_id:
        raise InvalidInputError(errors=[FieldError("parent_id", "This is a part of another institution.")])
    if parent.closed_on is not None:
        raise NodeClosedError(f"{parent.code} is closed; nothing is moved there.")
    # Moves wait for each other at the root, as in the trigger, so that what is read next still holds when it is done.
    await session.execute(select(OrgUnit.id).where(OrgUnit.id == node.institution_id).with_for_update(key_share=True))
    if parent.id in (await session.scalars(subtree(node.id))).all():
        raise InvalidInputError(errors=[FieldError("parent_id", "A part cannot lie below itself.")])
    if node.parent_id == parent.id:
        return node
    changes = {"parent_id": [node.parent_id, parent.id]}
    node.parent_id = parent.id
    await session.flush()
    record_node(session, actor, node, "org_unit.moved", f"{node.code} moved below {parent.code}", changes)
    forget_actors(session)
    return node


async def close_org_unit(session: Session, *, actor: Actor, org_unit_id: UUID, closed: bool = True) -> OrgUnit:
    """Close a node, which keeps what it has and gets nothing new, or open it again.

    Raises OrgUnitNotFoundError, PermissionDeniedError, NodeInUseError while nodes below it are open, NodeClosedError
    when it is to be opened below a closed one, and InvalidInputError for the root.
    """
    node = await _administered(session, actor, org_unit_id)
    if node.parent_id is None:
        raise InvalidInputError("An institution is not closed.", errors=[FieldError("closed", "It stays open.")])
    if (node.closed_on is not None) == closed:
        return node
    if closed:
        below = select(OrgUnit.id).where(OrgUnit.parent_id == node.id, OrgUnit.closed_on.is_(None))
        if (await session.execute(select(exists(below)))).scalar_one():
            raise NodeInUseError("There are open parts below it; close or move them first.")
    elif (await session.get_one(OrgUnit, node.parent_id)).closed_on is not None:
        raise NodeClosedError("The part above it is closed; open that one first.")
    before = node.closed_on
    node.closed_on = clock.now().date() if closed else None
    await session.flush()
    done = "closed" if closed else "reopened"
    changes = {"closed_on": [before, node.closed_on]}
    record_node(session, actor, node, f"org_unit.{done}", f"{node.code} {done}", changes)
    return node


async def remove_org_unit(session: Session, *, actor: Actor, org_unit_id: UUID) -> None:
    """Remove a node at which there never was anything: no node below it, no role, no offering, no record.

    Raises OrgUnitNotFoundError, PermissionDeniedError, NodeInUseError, and InvalidInputError for the root.
    """
    node = await _administered(session, actor, org_unit_id)
    if node.parent_id is None:
        raise InvalidInputError("An institution is not removed.")
    try:
        async with session.begin_nested():
            await session.execute(delete(OrgUnit).where(OrgUnit.id == node.id))
    except IntegrityError as error:
        raise NodeInUseError("It holds people, offerings or other records. Close it instead.") from error
    record_node(session, actor, node, "org_unit.removed", f"{node.code} removed")


async def _administered(session: Session, actor: Actor, org_unit_id: UUID) -> OrgUnit:
    policy.require(not actor.is_anonymous, actor, "")
    node = await node_for(session, actor=actor, org_unit_id=org_unit_id)
    policy.require(policy.can_administer(actor, node.id), actor, NOT_YOURS)
    return node
