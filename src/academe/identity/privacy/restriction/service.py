"""Restricts the processing of a person's data, and lifts that. Verbs flush, record, and never commit."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from academe.identity import policy
from academe.identity.facts import RestrictionChanged
from academe.identity.privacy.restriction.errors import RestrictedAlreadyError, RestrictionNotFoundError
from academe.identity.privacy.restriction.models import ProcessingRestriction
from academe.identity.service import known_person
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.outbox.service import announce

LONGEST: Final = 1_000
KEEPERS_ONLY: Final = "Processing is restricted by the registrars and administrators of the institution."


async def restrict_processing(session: Session, *, actor: Actor, person_id: UUID, reason: str) -> ProcessingRestriction:
    """Keep a person's data without using them, until it is lifted; the person is told.

    Raises PersonNotFoundError, PermissionDeniedError, InvalidInputError for an empty or too long reason, and
    RestrictedAlreadyError.
    """
    person = await known_person(session, actor, person_id)
    policy.require(policy.can_register_people(actor, person.institution_id), actor, KEEPERS_ONLY)
    restriction = ProcessingRestriction(
        institution_id=person.institution_id, person_id=person.id, reason=_checked(reason), placed_by=actor.person_id
    )
    try:
        async with session.begin_nested():
            session.add(restriction)
    except IntegrityError as error:
        raise RestrictedAlreadyError("The processing of this person's data is restricted already.") from error
    await session.refresh(person)
    _record(session, actor, restriction, "placed", "Processing restricted")
    await announce(session, RestrictionChanged(person.id, restricted=True))
    return restriction


async def lift_restriction(session: Session, *, actor: Actor, person_id: UUID, reason: str) -> ProcessingRestriction:
    """Let a person's data be used again; the person is told, as article 18 (3) demands.

    Raises PersonNotFoundError, PermissionDeniedError, RestrictionNotFoundError, and InvalidInputError for an empty or
    too long reason.
    """
    person = await known_person(session, actor, person_id)
    policy.require(policy.can_register_people(actor, person.institution_id), actor, KEEPERS_ONLY)
    wanted = select(ProcessingRestriction).where(
        ProcessingRestriction.person_id == person.id, ProcessingRestriction.lifted_at.is_(None)
    )
    restriction = (await session.scalars(wanted.with_for_update())).one_or_none()
    if restriction is None:
        raise RestrictionNotFoundError
    restriction.lift_reason = _checked(reason)
    restriction.lifted_at, restriction.lifted_by = clock.now(), actor.person_id
    await session.flush()
    await session.refresh(person)
    _record(session, actor, restriction, "lifted", "Restriction of processing lifted")
    await announce(session, RestrictionChanged(person.id, restricted=False))
    return restriction


async def restrictions_of(session: Session | ReadSession, person_id: UUID) -> Sequence[ProcessingRestriction]:
    """Every restriction of a person, the newest first, as far as the actor may know them."""
    wanted = select(ProcessingRestriction).where(ProcessingRestriction.person_id == person_id)
    return (await session.scalars(wanted.order_by(ProcessingRestriction.id.desc()))).all()


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST:
        raise InvalidInputError(errors=[FieldError("reason", f"Please give a reason of 1 to {LONGEST:,} characters.")])
    return reason


def _record(session: Session, actor: Actor, restriction: ProcessingRestriction, what: str, summary: str) -> None:
    subject = Subject("processing_restriction", restriction.id, restriction.institution_id, restriction.person_id)
    record(session, actor=actor, action=f"processing_restriction.{what}", subject=subject, summary=summary)
