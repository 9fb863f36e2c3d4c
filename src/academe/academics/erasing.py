"""What academics forgets of somebody who is erased; what they studied and taught stays, under a pseudonym."""

from uuid import UUID

from sqlalchemy import delete, func, or_, select, update

from academe.academics.models import Attendance, OfferingStaff, StudentProtectedAttributes, StudentRecord
from academe.academics.roster_import.models import RosterUpload
from academe.academics.types import erased_number
from academe.platform.database.session import Session


async def forget_academics(session: Session, *, person_id: UUID) -> None:
    """Number, protected attributes and the reasons of absences go; enrolments, attendance and results stay.

    Roles in offerings end with yesterday, or before they would have begun.
    """
    await session.execute(delete(RosterUpload).where(RosterUpload.uploaded_by == person_id))
    today = func.current_date()
    still = or_(OfferingStaff.ends_on.is_(None), OfferingStaff.ends_on >= today)
    over = {"ends_on": func.greatest(today - 1, OfferingStaff.starts_on - 1)}
    await session.execute(update(OfferingStaff).where(OfferingStaff.person_id == person_id, still).values(over))
    student_id = await session.scalar(select(StudentRecord.id).where(StudentRecord.person_id == person_id))
    if student_id is None:
        return
    await session.execute(delete(StudentProtectedAttributes).where(StudentProtectedAttributes.student_id == student_id))
    reasons = (Attendance.student_id == student_id, Attendance.reason != "")
    await session.execute(update(Attendance).where(*reasons).values(reason=""))
    number = erased_number(student_id)
    await session.execute(update(StudentRecord).where(StudentRecord.id == student_id).values(number=number))
