"""What can be asked about the organisation tree; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from academe.identity import policy
from academe.identity.models import OrgUnit
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node with those directly below it, by name."""

    unit: OrgUnit
    below: "Sequence[TreeNode]"

    @property
    def is_open(self) -> bool:
        """Whether it gets anything new."""
        return self.unit.closed_on is None


async def trees(session: Session | ReadSession, actor: Actor) -> Sequence[TreeNode]:
    """The institutions that the actor may see, each with everything below it."""
    found = await session.scalars(select(OrgUnit).where(policy.organisation_seen_by(actor)).order_by(OrgUnit.name))
    below: dict[UUID | None, list[OrgUnit]] = {}
    for unit in found:
        below.setdefault(unit.parent_id, []).append(unit)

    def grown(unit: OrgUnit) -> TreeNode:
        return TreeNode(unit, [grown(each) for each in below.get(unit.id, ())])

    return [grown(root) for root in below.get(None, ())]


def flattened(nodes: Sequence[TreeNode], depth: int = 0) -> list[tuple[int, OrgUnit]]:
    """Every node with how deep it lies, each followed by those below it."""
    rows: list[tuple[int, OrgUnit]] = []
    for node in nodes:
        rows.append((depth, node.unit))
        rows += flattened(node.below, depth + 1)
    return rows


async def path_to(session: Session | ReadSession, node: OrgUnit) -> Sequence[OrgUnit]:
    """The nodes above one, from the root down."""
    above: list[OrgUnit] = []
    parent_id = node.parent_id
    while parent_id is not None:
        parent = await session.get_one(OrgUnit, parent_id)
        above.append(parent)
        parent_id = parent.parent_id
    return above[::-1]
