"""What can be asked about openings; row-level security lets through one's own, and those one audits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import aliased

from academe.identity.models import EmergencyOpening, Person
from academe.identity.privacy.policy import institutions_to_audit
from academe.identity.queries import opening_runs
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.pagination import SortKey

NEWEST_FIRST: Final = (
    SortKey("opened", EmergencyOpening.opened_at, descending=True),
    SortKey("id", EmergencyOpening.id, descending=True),
)
"""The order of the list of openings."""

_OPENER, _REVIEWER = aliased(Person), aliased(Person)


@dataclass(frozen=True, slots=True)
class ShownOpening:
    """An opening with the names of those concerned. `runs`: the record is open at this moment."""

    id: UUID
    opened_at: datetime
    until: datetime
    closed_at: datetime | None
    runs: bool
    opened_by: UUID
    opener: str
    person_id: UUID
    person: str
    reason: str
    reviewed_at: datetime | None
    reviewer: str | None
    review_note: str | None


def openings() -> Select[*tuple[Any, ...]]:
    """Every opening that the actor may know of, for `shown`."""
    return (
        select(
            EmergencyOpening.id, EmergencyOpening.opened_at, EmergencyOpening.until, EmergencyOpening.closed_at,
            opening_runs(), EmergencyOpening.opened_by, _OPENER.display_name, EmergencyOpening.person_id,
            Person.display_name, EmergencyOpening.reason, EmergencyOpening.reviewed_at, _REVIEWER.display_name,
            EmergencyOpening.review_note,
        )
        .join(_OPENER, _OPENER.id == EmergencyOpening.opened_by)
        .join(Person, Person.id == EmergencyOpening.person_id)
        .outerjoin(_REVIEWER, _REVIEWER.id == EmergencyOpening.reviewed_by)
    )  # fmt: skip


def openings_to_audit(actor: Actor, *, waiting: bool = False) -> Select[*tuple[Any, ...]]:
    """Every opening in the institutions that the actor audits; with `waiting`, only those nobody has reviewed."""
    wanted = openings().where(EmergencyOpening.institution_id.in_(institutions_to_audit(actor)))
    return wanted.where(EmergencyOpening.reviewed_at.is_(None)) if waiting else wanted


def shown(row: Row[*tuple[Any, ...]]) -> ShownOpening:
    """A row of `openings` by its names."""
    return ShownOpening(*row[:13])


async def own_opening(session: Session | ReadSession, *, actor: Actor, person_id: UUID) -> EmergencyOpening | None:
    """The opening by which the actor reads the record of a person now."""
    mine = (EmergencyOpening.opened_by == actor.person_id, EmergencyOpening.person_id == person_id, opening_runs())
    return (await session.scalars(select(EmergencyOpening).where(*mine).limit(1))).one_or_none()
