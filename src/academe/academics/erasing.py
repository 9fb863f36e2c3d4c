"""What academics forgets of somebody who is erased; what they studied stays countable, under a pseudonym."""

from uuid import UUID

from sqlalchemy import delete, select, update

from academe.academics.models import Attendance, StudentProtectedAttributes, StudentRecord
from academe.academics.roster_import.models import RosterUpload
from academe.academics.types import erased_number
from academe.platform.database.session import Session


async def forget_student(session: Session, *, person_id: UUID) -> None:
    """Number, protected attributes and the reasons of absences go; enrolments, attendance and results stay."""
    await session.execute(delete(RosterUpload).where(RosterUpload.uploaded_by == person_id))
    student_id = await session.scalar(select(StudentRecord.id).where(StudentRecord.person_id == person_id))
    if student_id is None:
        return
    await session.execute(delete(StudentProtectedAttributes).where(StudentProtectedAttributes.student_id == student_id))
    reasons = (Attendance.student_id == student_id, Attendance.reason != "")
    await session.execute(update(Attendance).where(*reasons).values(reason=""))
    number = erased_number(student_id)
    await session.execute(update(StudentRecord).where(StudentRecord.id == student_id).values(number=number))
