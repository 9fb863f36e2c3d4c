"""Verbs of offerings themselves; those of rosters and attendance stand beside their pages."""

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from academe.academics.errors import OfferingNotFoundError, StaffNotFoundError
from academe.academics.models import Offering, OfferingStaff
from academe.academics.policy import roles_to_appoint
from academe.academics.types import StaffRole
from academe.identity.api import forget_actors
from academe.identity.models import Person
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import (
    AuthenticationRequiredError,
    FieldError,
    InvalidInputError,
    PermissionDeniedError,
)

NOT_YOURS: Final = "Registrars and administrators say who teaches an offering; its convenors appoint its tutors."


async def assign_staff(
    session: Session,
    *,
    actor: Actor,
    offering_id: UUID,
    person_id: UUID,
    role: StaffRole,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> OfferingStaff:
    """Let a person teach or convene an offering, from `starts_on` (today) to `ends_on` (open), both inclusive.

    Registrars and administrators give every role, the convenors of the offering that of a tutor. Who holds it already
    in that time is left as they are. Raises OfferingNotFoundError, PermissionDeniedError, and InvalidInputError for
    days in the wrong order and for somebody of another institution.
    """
    offering = await _offering(session, actor, offering_id, role)
    person = await session.get(Person, person_id)
    if person is None or person.institution_id != offering.institution_id:
        raise InvalidInputError(errors=[FieldError("person_id", "This person does not belong to the institution.")])
    start = starts_on or clock.now().date()
    if ends_on is not None and ends_on < start:
        raise InvalidInputError(errors=[FieldError("ends_on", "The last day must not lie before the first.")])
    held = func.daterange(OfferingStaff.starts_on, OfferingStaff.ends_on + 1)
    wanted = func.daterange(start, ends_on + timedelta(days=1) if ends_on else None)
    known = select(OfferingStaff).where(
        OfferingStaff.offering_id == offering_id,
        OfferingStaff.person_id == person_id,
        OfferingStaff.role == role,
        held.op("&&")(wanted),
    )
    staff = (await session.execute(known)).scalars().first()
    if staff is not None:
        return staff
    staff = OfferingStaff(offering_id=offering_id, person_id=person_id, role=role, starts_on=start, ends_on=ends_on)
    staff.granted_by = actor.person_id
    session.add(staff)
    await session.flush()
    record(
        session,
        actor=actor,
        action="offering_staff.assigned",
        subject=Subject("offering", offering_id, offering.institution_id, person_id),
        summary=f"{role.value.capitalize()} assigned",
        changes={"role": role, "starts_on": start, "ends_on": ends_on},
    )
    forget_actors(session)
    return staff


async def end_staff(session: Session, *, actor: Actor, offering_id: UUID, staff_id: UUID) -> OfferingStaff:
    """Let somebody's role in an offering end at once: yesterday was its last day.

    By whoever may give it. Raises OfferingNotFoundError, StaffNotFoundError and PermissionDeniedError.
    """
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    staff = await session.get(OfferingStaff, staff_id)
    if staff is None or staff.offering_id != offering_id:
        raise StaffNotFoundError
    offering = await _offering(session, actor, offering_id, staff.role)
    before = staff.ends_on
    staff.ends_on = max(clock.now().date(), staff.starts_on) - timedelta(days=1)
    await session.flush()
    record(
        session,
        actor=actor,
        action="offering_staff.ended",
        subject=Subject("offering", offering_id, offering.institution_id, staff.person_id),
        summary=f"{staff.role.value.capitalize()} ended",
        changes={"role": staff.role, "ends_on": [before, staff.ends_on]},
    )
    forget_actors(session)
    return staff


async def _offering(session: Session, actor: Actor, offering_id: UUID, role: StaffRole) -> Offering:
    """The offering, for somebody who may give the role there."""
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    offering = await session.get(Offering, offering_id)
    if offering is None:
        raise OfferingNotFoundError
    if role not in roles_to_appoint(actor, offering):
        raise PermissionDeniedError(NOT_YOURS)
    return offering
