"""Verbs of access in an emergency: open, close and review. They flush, record, and never commit."""

from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from academe.identity import policy
from academe.identity.facts import RecordOpened
from academe.identity.models import EmergencyOpening, Person
from academe.identity.privacy.emergency.errors import OpeningNotFoundError, OpeningNotNeededError, OpeningRunsError
from academe.identity.privacy.emergency.queries import ShownOpening, openings, own_opening, shown
from academe.identity.privacy.policy import can_audit
from academe.identity.service import known_person
from academe.identity.sign_in.actors import forget_actors
from academe.identity.types import Role
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.outbox.service import announce

OPENING: Final = (Role.LECTURER, Role.CONVENOR, Role.TUTOR, Role.ADVISOR, Role.REGISTRAR, Role.ADMINISTRATOR)
"""Whose work is with people. Auditors review what these open, experts and operators see no records of students."""

SHORTEST_REASON: Final = 10
LONGEST_REASON: Final = 1_000

STAFF_ONLY: Final = "Only staff who work with students open a record in an emergency, in their own name."
REVIEWERS_ONLY: Final = "Access in an emergency is reviewed by auditors and administrators, never by who opened it."


def can_open(actor: Actor, person: Person) -> bool:
    """Open the record of a person in an emergency: staff of the institution who work with people, as themselves."""
    if actor.person_id is None or actor.masquerader_id is not None or actor.person_id == person.id:
        return False
    return any(scope.role in OPENING and scope.institution_id == person.institution_id for scope in actor.scopes)


async def open_record(session: Session, *, actor: Actor, person_id: UUID, reason: str) -> EmergencyOpening:
    """Read the record of a person outside one's scope for an hour; auditors are told at once.

    Raises PersonNotFoundError, PermissionDeniedError, InvalidInputError for a reason of less than 10 or more than
    1,000 characters, and OpeningNotNeededError when the record is open already, by this or by one's role.
    """
    person = await known_person(session, actor, person_id)
    policy.require(can_open(actor, person), actor, STAFF_ONLY)
    if policy.can_register_people(actor, person.institution_id):
        raise OpeningNotNeededError("Your role lets you read this record at any time.")
    if await own_opening(session, actor=actor, person_id=person_id) is not None:
        raise OpeningNotNeededError("You have opened this record already.")
    opening = EmergencyOpening(
        institution_id=person.institution_id, opened_by=actor.person_id, person_id=person.id, reason=_checked(reason)
    )
    session.add(opening)
    await session.flush()
    await session.refresh(opening)
    _record(session, actor, opening, "opened", "Record opened in an emergency, for an hour and with a written reason")
    await announce(session, RecordOpened(opening.id, person.institution_id))
    forget_actors(session)
    return opening


async def close_opening(session: Session, *, actor: Actor, opening_id: UUID) -> EmergencyOpening:
    """End an opening before its time: who opened it, and who audits. Harmless when it is over.

    Raises OpeningNotFoundError.
    """
    opening = await _opening_of(session, actor, opening_id)
    if await _runs(session, opening):
        opening.closed_at = await session.scalar(select(func.clock_timestamp()))
        await session.flush()
        _record(session, actor, opening, "closed", "Access in an emergency ended before its time")
        forget_actors(session)
    return opening


async def review_opening(session: Session, *, actor: Actor, opening_id: UUID, note: str) -> EmergencyOpening:
    """Say what one thinks of an opening that is over; an earlier review is replaced.

    Raises OpeningNotFoundError, PermissionDeniedError, OpeningRunsError, and InvalidInputError for an empty or too
    long note.
    """
    opening = await _opening_of(session, actor, opening_id)
    may_review = can_audit(actor, opening.institution_id) and actor.person_id != opening.opened_by
    policy.require(may_review, actor, REVIEWERS_ONLY)
    if await _runs(session, opening):
        raise OpeningRunsError
    note = note.strip()
    if not 1 <= len(note) <= LONGEST_REASON:
        raise InvalidInputError(errors=[FieldError("note", "Please write a note of 1 to 1,000 characters.")])
    opening.reviewed_at = await session.scalar(select(func.now()))
    opening.reviewed_by, opening.review_note = actor.person_id, note
    await session.flush()
    _record(session, actor, opening, "reviewed", "Access in an emergency reviewed")
    return opening


async def opening_to_audit(session: Session, *, actor: Actor, opening_id: UUID) -> ShownOpening:
    """An opening in an institution that the actor audits; raises OpeningNotFoundError."""
    opening = await _opening_of(session, actor, opening_id)
    if not can_audit(actor, opening.institution_id):
        raise OpeningNotFoundError
    return shown((await session.execute(openings().where(EmergencyOpening.id == opening_id))).one())


async def _opening_of(session: Session, actor: Actor, opening_id: UUID) -> EmergencyOpening:
    """One's own opening, or one that one audits."""
    policy.require(not actor.is_anonymous, actor, "")
    wanted = select(EmergencyOpening).where(EmergencyOpening.id == opening_id).with_for_update()
    found = (await session.scalars(wanted)).one_or_none()
    if found is None or not (actor.person_id == found.opened_by or can_audit(actor, found.institution_id)):
        raise OpeningNotFoundError
    return found


async def _runs(session: Session, opening: EmergencyOpening) -> bool:
    now = await session.scalar(select(func.now()))
    return opening.closed_at is None and now is not None and now < opening.until


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise InvalidInputError(errors=[FieldError("reason", "Please give a reason of 10 to 1,000 characters.")])
    return reason


def _record(session: Session, actor: Actor, opening: EmergencyOpening, what: str, summary: str) -> None:
    subject = Subject("emergency_opening", opening.id, opening.institution_id, opening.person_id)
    record(session, actor=actor, action=f"emergency_opening.{what}", subject=subject, summary=summary)
