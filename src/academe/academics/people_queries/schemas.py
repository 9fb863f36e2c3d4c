"""Shapes of JSON of queries of people."""

from uuid import UUID

from pydantic import BaseModel


class PeopleQueryOut(BaseModel):
    """A query with the names of what it asks for; `found` is how many it finds now, when one is asked for."""

    id: UUID
    org_unit_id: UUID
    name: str
    node: str
    program: str | None
    term: str | None
    cohort: str | None
    absences: int | None
    found: int | None = None
