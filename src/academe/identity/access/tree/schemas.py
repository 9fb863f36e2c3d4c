"""What programs send and get about the organisation tree."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field

from academe.identity.service import LONGEST_CODE, LONGEST_NODE_NAME
from academe.identity.types import OrgUnitKind


class NodeIn(BaseModel):
    """What a node is and is called."""

    kind: OrgUnitKind
    code: str = Field(min_length=1, max_length=LONGEST_CODE)
    name: str = Field(min_length=1, max_length=LONGEST_NODE_NAME)


class NewNodeIn(NodeIn):
    """A node that is to be made below another."""

    parent_id: UUID


class PlaceIn(BaseModel):
    """Where a node is to lie."""

    parent_id: UUID


class ClosedIn(BaseModel):
    """Whether a node gets nothing new any more."""

    closed: bool


class NodeOut(BaseModel):
    """A node of the organisation tree."""

    id: UUID
    institution_id: UUID
    parent_id: UUID | None = Field(description="Empty for the institution itself.")
    kind: OrgUnitKind
    code: str
    name: str
    closed_on: date | None
