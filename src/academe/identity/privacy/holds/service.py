"""Places and lifts legal holds, and refuses what a hold forbids."""

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import select

from academe.identity import policy
from academe.identity.privacy.holds.errors import HoldNotFoundError, PersonHeldError
from academe.identity.privacy.holds.models import LegalHold
from academe.identity.privacy.holds.queries import hold_in_force, holds_on
from academe.identity.service import known_person
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError

KEEPERS_ONLY: Final = "Legal holds are for the registrars and administrators of the institution."


async def place_hold(
    session: Session, *, actor: Actor, person_id: UUID, reason: str, until: date | None = None
) -> LegalHold:
    """Keep the records of a person for the law, through the day `until` or until the hold is lifted.

    Raises PersonNotFoundError, and InvalidInputError for an empty or too long reason or a day that is over.
    """
    person = await known_person(session, actor, person_id)
    policy.require(policy.can_register_people(actor, person.institution_id), actor, KEEPERS_ONLY)
    reason = reason.strip()
    if not 1 <= len(reason) <= 1000:
        raise InvalidInputError(errors=[FieldError("reason", "Please give a reason of 1 to 1,000 characters.")])
    if until is not None and until < clock.now().date():
        raise InvalidInputError(errors=[FieldError("until", "This day is over.")])
    hold = LegalHold(
        institution_id=person.institution_id,
        person_id=person.id,
        reason=reason,
        until=until,
        placed_by=actor.person_id,
    )
    session.add(hold)
    await session.flush()
    _record(session, actor, hold, "legal_hold.placed", "Legal hold placed")
    return hold


async def lift_hold(session: Session, *, actor: Actor, hold_id: UUID) -> LegalHold:
    """End a hold that is in force. Raises HoldNotFoundError."""
    hold = await session.scalar(select(LegalHold).where(LegalHold.id == hold_id, hold_in_force()).with_for_update())
    if hold is None:
        raise HoldNotFoundError("There is no such legal hold.")
    policy.require(policy.can_register_people(actor, hold.institution_id), actor, KEEPERS_ONLY)
    hold.lifted_at, hold.lifted_by = clock.now(), actor.person_id
    await session.flush()
    _record(session, actor, hold, "legal_hold.lifted", "Legal hold lifted")
    return hold


async def require_not_held(session: Session, person_id: UUID) -> None:
    """Raise PersonHeldError when the person is under legal hold; for whoever would erase, merge or drop records.

    The actor must be one who sees holds: registrar, administrator, or Academe itself.
    """
    if await holds_on(session, person_id):
        raise PersonHeldError


def _record(session: Session, actor: Actor, hold: LegalHold, action: str, summary: str) -> None:
    until = hold.until.isoformat() if hold.until else None
    subject = Subject("legal_hold", hold.id, hold.institution_id, hold.person_id)
    record(session, actor=actor, action=action, subject=subject, summary=summary, changes={"until": until})
