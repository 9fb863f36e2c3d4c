"""JSON of identity."""

from uuid import UUID

from pydantic import BaseModel, Field


class ScopeOut(BaseModel):
    """One role in force, and where."""

    role: str
    institution_id: UUID
    org_unit_id: UUID | None = Field(description="The node at which it is held, or one below it.")
    offering_id: UUID | None = Field(description="The offering in which it is held.")


class MeOut(BaseModel):
    """The person who asks."""

    person_id: UUID
    name: str
    scopes: list[ScopeOut]
