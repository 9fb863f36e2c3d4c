"""HTML forms of the organisation tree."""

from uuid import UUID

from pydantic import BaseModel, Field

from academe.identity.service import LONGEST_CODE, LONGEST_NODE_NAME
from academe.identity.types import OrgUnitKind


class NodeForm(BaseModel):
    """What a node is and is called."""

    kind: OrgUnitKind
    code: str = Field(max_length=LONGEST_CODE)
    name: str = Field(max_length=LONGEST_NODE_NAME)


class PlaceForm(BaseModel):
    """Below which node another is to lie."""

    parent_id: UUID
