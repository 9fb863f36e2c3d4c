"""JSON of a record that is open in an emergency."""

from uuid import UUID

from pydantic import BaseModel

from academe.academics.children.schemas import MarkOut, PresenceOut, TakenOfferingOut


class OpenedPersonOut(BaseModel):
    """Whose record it is."""

    id: UUID
    display_name: str


class ReachedOut(BaseModel):
    """How to reach somebody, and when they were born."""

    contact_email: str | None
    phone: str | None
    date_of_birth: str | None


class GuardianOut(BaseModel):
    """Who looks after them."""

    guardian_id: UUID
    guardian: str


class OpenedRecordOut(BaseModel):
    """The whole record; `particulars` is null when nothing is known."""

    person: OpenedPersonOut
    particulars: ReachedOut | None
    guardians: list[GuardianOut]
    offerings: list[TakenOfferingOut]
    attendance: list[PresenceOut]
    results: list[MarkOut]
