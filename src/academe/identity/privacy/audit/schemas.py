"""JSON of the audit."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from academe.platform.audit.types import EntryKind


class EntryOut(BaseModel):
    """An entry in the list."""

    id: UUID
    seq: int
    at: datetime
    kind: EntryKind
    action: str
    actor_person_id: UUID | None
    who: str
    person_id: UUID | None
    whom: str
    subject_kind: str
    subject_id: UUID
    purpose: str | None
    summary: str


class PlacedEntryOut(BaseModel):
    """One entry with its changes and its place in the chain; hashes are hexadecimal."""

    id: UUID
    seq: int
    at: datetime
    kind: EntryKind
    action: str
    who: str
    whom: str
    subject_kind: str
    subject_id: UUID
    purpose: str | None
    summary: str
    changes: dict[str, Any] | None
    prev_hash: str
    hash: str
    matches: bool
    head_seq: int


class CheckOut(BaseModel):
    """The job that was asked for."""

    job_id: UUID
