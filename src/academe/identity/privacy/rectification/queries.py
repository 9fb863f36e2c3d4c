"""What can be asked about requests for corrections; policies let through one's own, and those one decides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import aliased

from academe.identity.models import Person
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.privacy.rectification.types import LABELS, WRITTEN_AT_ONCE, RectificationStatus, RectifiedField
from academe.platform.http.pagination import SortKey

NEWEST_FIRST: Final = (
    SortKey("created", RectificationRequest.created_at, descending=True),
    SortKey("id", RectificationRequest.id, descending=True),
)
"""The order of lists of requests."""

_DECIDER = aliased(Person)


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """A request with names; texts are None once the person is erased."""

    id: UUID
    created_at: datetime
    person_id: UUID
    person: str
    field: RectifiedField
    wanted: str | None
    reason: str | None
    status: RectificationStatus
    answer: str | None
    decided_at: datetime | None
    decider: str | None

    @property
    def label(self) -> str:
        """What of the record is wrong."""
        return LABELS[self.field]

    @property
    def is_open(self) -> bool:
        """Whether it still waits for a decision."""
        return self.status is RectificationStatus.ASKED

    @property
    def is_written_at_once(self) -> bool:
        """Whether acceptance writes the value."""
        return self.field in WRITTEN_AT_ONCE


def requests() -> Select[*tuple[Any, ...]]:
    """Every request that the actor may know of, for `shown`."""
    return (
        select(
            RectificationRequest.id, RectificationRequest.created_at, RectificationRequest.person_id,
            Person.display_name, RectificationRequest.field, RectificationRequest.wanted, RectificationRequest.reason,
            RectificationRequest.status, RectificationRequest.answer, RectificationRequest.decided_at,
            _DECIDER.display_name,
        )
        .join(Person, Person.id == RectificationRequest.person_id)
        .outerjoin(_DECIDER, _DECIDER.id == RectificationRequest.decided_by)
    )  # fmt: skip


def shown(row: Row[*tuple[Any, ...]]) -> ShownRequest:
    """A row of `requests` by its names."""
    return ShownRequest(*row[:11])
