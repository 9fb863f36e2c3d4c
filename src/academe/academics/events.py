"""What academics lets programs of an institution be told by webhooks; wired in `app.py` and `worker.py`.

Marks, statuses and names are not in them: whoever is told asks for those, with rights of their own.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import select

from academe.academics.facts import (
    AttendanceRecorded,
    EnrollmentCreated,
    EnrollmentWithdrawn,
    ResultsPublished,
    RosterImported,
)
from academe.academics.models import Assessment, Offering, StudentRecord
from academe.messaging.api import EventKind, Happened
from academe.platform.database.session import Session


async def _enrolment(session: Session, fact: EnrollmentCreated | EnrollmentWithdrawn) -> Happened | None:
    institution = await _institution(session, fact.offering_id)
    if institution is None:
        return None
    person = await session.scalar(select(StudentRecord.person_id).where(StudentRecord.id == fact.student_id))
    data = {
        "enrollment_id": str(fact.enrollment_id),
        "offering_id": str(fact.offering_id),
        "student_id": str(fact.student_id),
        "person_id": None if person is None else str(person),
        "effective_on": fact.effective_on.isoformat(),
    }
    return Happened(institution, data, f"/offerings/{fact.offering_id}/roster/{fact.enrollment_id}", person)


async def _attendance(session: Session, fact: AttendanceRecorded) -> Happened | None:
    institution = await _institution(session, fact.offering_id)
    data = {"meeting_id": str(fact.meeting_id), "offering_id": str(fact.offering_id), "changed": fact.changed}
    return Happened(institution, data, f"/meetings/{fact.meeting_id}/attendance") if institution else None


async def _results(session: Session, fact: ResultsPublished) -> Happened | None:
    offering = await session.scalar(select(Assessment.offering_id).where(Assessment.id == fact.assessment_id))
    institution = await _institution(session, offering) if offering else None
    if institution is None:
        return None
    data = {
        "assessment_id": str(fact.assessment_id),
        "offering_id": str(offering),
        "marked_since": fact.marked_since.isoformat(),
    }
    return Happened(institution, data, f"/offerings/{offering}/roster")


async def _import(session: Session, fact: RosterImported) -> Happened | None:
    institution = await _institution(session, fact.offering_id)
    data = {"offering_id": str(fact.offering_id), "enrolled": fact.enrolled, "withdrawn": fact.withdrawn}
    return Happened(institution, data, f"/offerings/{fact.offering_id}/roster") if institution else None


async def _institution(session: Session, offering_id: UUID) -> UUID | None:
    return await session.scalar(select(Offering.institution_id).where(Offering.id == offering_id))


EVENTS: Final = (
    EventKind("attendance.recorded", "The attendance of a meeting was saved", AttendanceRecorded, _attendance),
    EventKind("enrollment.created", "A student has got a place in an offering", EnrollmentCreated, _enrolment),
    EventKind("enrollment.withdrawn", "A student has left an offering", EnrollmentWithdrawn, _enrolment),
    EventKind("results.published", "Results of an assessment became known", ResultsPublished, _results),
    EventKind("roster.imported", "A file was imported into a roster", RosterImported, _import),
)
