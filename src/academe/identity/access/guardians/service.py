"""Verbs of guardians: link one to a student, consent, end. They flush, record, and never commit."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from academe.identity import policy
from academe.identity.access.guardians.errors import GuardianKnownError, GuardianshipNotFoundError
from academe.identity.access.guardians.models import Guardianship
from academe.identity.access.guardians.queries import PARTS, on
from academe.identity.facts import GuardianLinked
from academe.identity.models import PersonParticulars
from academe.identity.service import known_person
from academe.identity.sign_in.actors import forget_actors
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError, PermissionDeniedError
from academe.platform.outbox.service import announce

OF_AGE: Final = 18
"""From this birthday on a student decides who sees their record."""

NOT_YOURS: Final = "Only registrars and administrators say who is a guardian."


async def link_guardian(
    session: Session,
    *,
    actor: Actor,
    student_id: UUID,
    guardian_id: UUID,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> Guardianship:
    """Say that a person looks after a student; an adult student is told, and asked what the guardian may see.

    Raises PersonNotFoundError, PermissionDeniedError, GuardianKnownError, and InvalidInputError for days in the wrong
    order, for oneself, and for somebody of another institution.
    """
    student = await known_person(session, actor, student_id)
    policy.require(policy.can_register_people(actor, student.institution_id), actor, NOT_YOURS)
    guardian = await known_person(session, actor, guardian_id)
    if guardian.id == student.id or guardian.institution_id != student.institution_id:
        raise InvalidInputError(errors=[FieldError("guardian_id", "Please choose another person of the institution.")])
    start = starts_on or clock.now().date()
    if ends_on is not None and ends_on < start:
        raise InvalidInputError(errors=[FieldError("ends_on", "The last day must not lie before the first.")])
    link = Guardianship(
        institution_id=student.institution_id,
        guardian_id=guardian.id,
        student_id=student.id,
        starts_on=start,
        ends_on=ends_on,
        needs_consent=not is_minor(await session.get(PersonParticulars, student.id)),
    )
    try:
        async with session.begin_nested():
            session.add(link)
    except IntegrityError as error:
        raise GuardianKnownError from error
    changes = {"guardian_id": guardian.id, "needs_consent": link.needs_consent, "starts_on": start, "ends_on": ends_on}
    record(
        session, actor=actor, action="guardian.linked", subject=_about(link), summary="Guardian added", changes=changes
    )
    await announce(session, GuardianLinked(student.id, link.needs_consent))
    forget_actors(session)
    return link


async def consent(session: Session, *, actor: Actor, guardianship_id: UUID, parts: Collection[str]) -> Guardianship:
    """Let one's guardian see these parts of one's record and no others; none takes the consent back.

    By the student alone. Raises GuardianshipNotFoundError, PermissionDeniedError, and InvalidInputError for a part that
    there is not.
    """
    link = await _known(session, actor, guardianship_id)
    if link.student_id != actor.person_id or actor.masquerader_id is not None:
        raise PermissionDeniedError("Only the student decides what a guardian may see.")
    known = [part for part, _ in PARTS]
    if not set(parts) <= set(known):
        raise InvalidInputError(errors=[FieldError("parts", f"Please choose among {', '.join(known)}.")])
    before = [part for part in known if getattr(link, f"covers_{part}")]
    for part in known:
        setattr(link, f"covers_{part}", part in parts)
    link.consented_at = clock.now() if parts else None
    await session.flush()
    changes = {"parts": [before, [part for part in known if part in parts]]}
    action, summary = ("guardian.consented", "Consent given") if parts else ("guardian.refused", "Consent taken back")
    record(session, actor=actor, action=action, subject=_about(link), summary=summary, changes=changes)
    return link


async def end_guardianship(session: Session, *, actor: Actor, guardianship_id: UUID) -> Guardianship:
    """Let a guardianship end at once. Raises GuardianshipNotFoundError and PermissionDeniedError."""
    link = await _known(session, actor, guardianship_id)
    policy.require(policy.can_register_people(actor, link.institution_id), actor, NOT_YOURS)
    before = link.ends_on
    link.ends_on = max(clock.now().date(), link.starts_on) - timedelta(days=1)
    await session.flush()
    changes = {"ends_on": [before, link.ends_on]}
    record(
        session, actor=actor, action="guardian.ended", subject=_about(link), summary="Guardian ended", changes=changes
    )
    forget_actors(session)
    return link


async def refresh_consent(session: Session) -> int:
    """Work out anew whose guardians need consent; returns how many changed. Once a day, by the system."""
    rows = await session.execute(
        select(Guardianship, PersonParticulars)
        .outerjoin(PersonParticulars, PersonParticulars.person_id == Guardianship.student_id)
        .where(on(clock.now().date()))
    )
    changed = 0
    for link, particulars in rows:
        needs = not is_minor(particulars)
        changed += link.needs_consent != needs
        link.needs_consent = needs
    await session.flush()
    return changed


def is_minor(particulars: PersonParticulars | None) -> bool:
    """Whether somebody is not of age yet; whose birthday is not known is."""
    if particulars is None or not particulars.date_of_birth:
        return False
    born, today = date.fromisoformat(particulars.date_of_birth), clock.now().date()
    had_birthday = (today.month, today.day) >= (born.month, born.day)
    return today.year - born.year - (not had_birthday) < OF_AGE


async def _known(session: Session, actor: Actor, guardianship_id: UUID) -> Guardianship:
    policy.require(not actor.is_anonymous, actor, "")
    link = await session.get(Guardianship, guardianship_id)
    involved = link is not None and (
        actor.person_id in (link.student_id, link.guardian_id) or policy.can_register_people(actor, link.institution_id)
    )
    if link is None or not involved:
        raise GuardianshipNotFoundError
    return link


def _about(link: Guardianship) -> Subject:
    return Subject("guardianship", link.id, link.institution_id, link.student_id)
