"""JSON of who looked at a record."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from academe.platform.audit.types import EntryKind


class AccessOut(BaseModel):
    """One entry: who in which roles read or changed the record, when, and what for."""

    id: UUID
    at: datetime
    kind: EntryKind
    who: str
    roles: list[str]
    what: str
    purpose: str | None
