"""Verbs of offerings themselves; those of rosters and attendance stand beside their pages."""

from uuid import UUID

from sqlalchemy import select

from academe.academics.errors import OfferingNotFoundError
from academe.academics.models import Offering, OfferingStaff
from academe.academics.policy import REGISTERING
from academe.academics.types import StaffRole
from academe.identity.models import Person
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError, PermissionDeniedError


async def assign_staff(
    session: Session, *, actor: Actor, offering_id: UUID, person_id: UUID, role: StaffRole
) -> OfferingStaff:
    """Let a person teach or convene an offering; who does so already is left as they are.

    Raises OfferingNotFoundError, PermissionDeniedError, and InvalidInputError for somebody of another institution.
    """
    offering = await session.get(Offering, offering_id)
    if offering is None:
        raise OfferingNotFoundError
    if not (actor.is_system or offering.org_unit_id in actor.org_unit_ids(*REGISTERING)):
        raise PermissionDeniedError("Only registrars and administrators say who teaches an offering.")
    person = await session.get(Person, person_id)
    if person is None or person.institution_id != offering.institution_id:
        raise InvalidInputError(errors=[FieldError("person_id", "This person does not belong to the institution.")])
    known = select(OfferingStaff).where(
        OfferingStaff.offering_id == offering_id, OfferingStaff.person_id == person_id, OfferingStaff.role == role
    )
    staff = (await session.execute(known)).scalar_one_or_none()
    if staff is not None:
        return staff
    staff = OfferingStaff(offering_id=offering_id, person_id=person_id, role=role)
    session.add(staff)
    await session.flush()
    record(
        session,
        actor=actor,
        action="offering_staff.assigned",
        subject=Subject("offering", offering_id, offering.institution_id, person_id),
        summary=f"{role.value.capitalize()} assigned",
        changes={"role": role.value},
    )
    return staff
