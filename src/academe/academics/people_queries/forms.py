"""The form of a query of people."""

from uuid import UUID

from pydantic import BaseModel, Field

from academe.academics.people_queries.models import LONGEST_COHORT, LONGEST_NAME, MOST_ABSENCES
from academe.academics.people_queries.service import QueryWanted


class PeopleQueryForm(BaseModel):
    """Whom to find; what is left empty narrows nothing. The same in forms and in JSON."""

    name: str = Field(pattern=r"[^\s]", max_length=LONGEST_NAME)
    org_unit_id: UUID = Field(description="A part of the institution whose records the caller keeps.")
    program_id: UUID | None = None
    term_id: UUID | None = None
    cohort: str | None = Field(None, max_length=LONGEST_COHORT)
    absences: int | None = Field(
        None, ge=1, le=MOST_ABSENCES, description="The least number of meetings missed, in the offerings that count."
    )

    def wanted(self) -> QueryWanted:
        """What the verbs take."""
        return QueryWanted(**self.model_dump())
