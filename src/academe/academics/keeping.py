"""The classes of academics' records that rules of retention let go."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, select

from academe.academics.models import Attendance, Offering, StudentRecord
from academe.platform.retention import RecordClass


def _offerings(institution_id: UUID) -> Select[UUID]:
    return select(Offering.id).where(Offering.institution_id == institution_id)


def _attendance(institution_id: UUID, before: datetime) -> ColumnElement[bool]:
    return and_(Attendance.date < before.date(), Attendance.offering_id.in_(_offerings(institution_id)))


def _reasons(institution_id: UUID, before: datetime) -> ColumnElement[bool]:
    return and_(Attendance.reason != "", _attendance(institution_id, before))


_STUDENT: Final = select(StudentRecord.person_id).where(StudentRecord.id == Attendance.student_id).scalar_subquery()

KEPT: Final = (
    RecordClass(
        "absence_reasons",
        "Reasons of absences",
        "Why somebody did not come, which may be about their health. The mark stays. From the day of the meeting.",
        Attendance,
        _reasons,
        _STUDENT,
        blank={"reason": ""},
    ),
    RecordClass(
        "attendance",
        "Attendance",
        "Who came to which meeting, from the day of the meeting. Results and enrolments stay.",
        Attendance,
        _attendance,
        _STUDENT,
        shortest_days=365,
    ),
)
"""In the order in which pages list them."""
