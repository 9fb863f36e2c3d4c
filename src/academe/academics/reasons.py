"""What academics knows to give somebody access: the offerings that they teach. For the page that explains access."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from academe.academics.models import Enrollment, Offering, OfferingStaff, StudentRecord, Term, Unit
from academe.academics.queries import teaching_on
from academe.identity.api import Reason
from academe.identity.models import Person
from academe.platform import clock
from academe.platform.database.session import ReadSession, Session


async def teaching_reasons(session: Session | ReadSession, person_id: UUID, other_id: UUID | None) -> Sequence[Reason]:
    """The offerings that somebody teaches today; with `other_id` those in which that person studies."""
    giver = aliased(Person)
    wanted = (
        select(
            OfferingStaff.role, Unit.code, Term.title, OfferingStaff.starts_on, OfferingStaff.ends_on,
            giver.display_name,
        )
        .join(Offering, Offering.id == OfferingStaff.offering_id)
        .join(Unit, Unit.id == Offering.unit_id)
        .join(Term, Term.id == Offering.term_id)
        .outerjoin(giver, giver.id == OfferingStaff.granted_by)
        .where(OfferingStaff.person_id == person_id, teaching_on(clock.now().date()))
        .order_by(Unit.code, Term.starts_on)
    )  # fmt: skip
    if other_id is not None:
        studies = (
            select(Enrollment.offering_id)
            .join(StudentRecord, StudentRecord.id == Enrollment.student_id)
            .where(StudentRecord.person_id == other_id)
        )
        wanted = wanted.where(OfferingStaff.offering_id.in_(studies))
    return [
        Reason(role.value, f"{unit}, {term}", starts, ends, by, "Counts for the students of this offering.")
        for role, unit, term, starts, ends, by in await session.execute(wanted)
    ]
