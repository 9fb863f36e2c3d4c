"""Meetings of an offering and the class of a meeting; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import Attendance, Enrollment, Meeting, StudentRecord
from academe.academics.queries import TAKING_PART
from academe.academics.types import AttendanceStatus, MeetingKind
from academe.identity.models import Person

LARGEST_CLASS = 2000
"""Students shown at most on the page of one meeting."""


@dataclass(frozen=True, slots=True)
class MeetingRow:
    """A meeting in a list: how many marks are saved, and how many of them say that the student came."""

    id: UUID
    kind: MeetingKind
    title: str
    starts_at: datetime
    ends_at: datetime
    room: str
    marked: int
    came: int


@dataclass(frozen=True, slots=True)
class ClassMember:
    """A student of the class of a meeting with the saved mark, if there is one."""

    student_id: UUID
    number: str
    name: str
    status: AttendanceStatus | None
    minutes_late: int | None
    reason: str


def meetings(offering_id: UUID) -> Select[Any]:
    """The meetings of an offering, with the columns of a MeetingRow."""
    marks = (
        select(
            func.count().label("marked"),
            func.count()
            .filter(Attendance.status.in_([AttendanceStatus.PRESENT, AttendanceStatus.TARDY]))
            .label("came"),
        )
        .where(Attendance.meeting_id == Meeting.id)
        .correlate(Meeting)
        .lateral("marks")
    )
    return (
        select(
            Meeting.id, Meeting.kind, Meeting.title, Meeting.starts_at, Meeting.ends_at, Meeting.room,
            marks.c.marked, marks.c.came,
        )
        .join(marks, onclause=Meeting.id.is_not(None))
        .where(Meeting.offering_id == offering_id)
    )  # fmt: skip


async def class_of(session: AsyncSession, meeting: Meeting) -> Sequence[ClassMember]:
    """The class of a meeting in the order of numbers: who takes part, and whoever has a mark although they left."""
    rows = await session.execute(
        select(
            Enrollment.student_id, StudentRecord.number, Person.display_name,
            Attendance.status, Attendance.minutes_late, func.coalesce(Attendance.reason, ""),
        )
        .join(StudentRecord, StudentRecord.id == Enrollment.student_id)
        .join(Person, Person.id == StudentRecord.person_id)
        .outerjoin(
            Attendance,
            and_(Attendance.meeting_id == meeting.id, Attendance.student_id == Enrollment.student_id),
        )
        .where(
            Enrollment.offering_id == meeting.offering_id,
            or_(Enrollment.status.in_(TAKING_PART), Attendance.id.is_not(None)),
        )
        .order_by(func.length(StudentRecord.number), StudentRecord.number)
        .limit(LARGEST_CLASS)
    )  # fmt: skip
    return [ClassMember(*row) for row in rows]
