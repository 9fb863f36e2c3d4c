"""The roster as CSV: streamed from the database, and safe to open in a spreadsheet."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import Enrollment, Offering, StudentRecord
from academe.academics.roster.queries import attendance_share
from academe.identity.models import Person
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.database.session import Session
from academe.platform.spreadsheet import lines

COLUMNS: Final = ("student_number", "name", "status", "enrolled_on", "withdrawn_on", "attendance")
ROWS_AT_ONCE: Final = 500


def record_export(session: Session, *, actor: Actor, offering: Offering) -> None:
    """Leave an entry that somebody takes the list of an offering away. Looking at pages of it leaves none."""
    subject = Subject("offering", offering.id, offering.institution_id)
    record_access(session, actor=actor, subject=subject, purpose="download of the roster", action="roster.exported")


async def roster_csv(session: AsyncSession, offering_id: UUID) -> AsyncIterator[str]:
    """The roster in the order of numbers, some hundred lines at a time, the first with the heading."""
    wanted = (
        select(
            StudentRecord.number, Person.display_name, Enrollment.status, Enrollment.enrolled_on,
            Enrollment.withdrawn_on, attendance_share(),
        )
        .select_from(Enrollment)
        .join(StudentRecord, StudentRecord.id == Enrollment.student_id)
        .join(Person, Person.id == StudentRecord.person_id)
        .where(Enrollment.offering_id == offering_id)
        .order_by(func.length(StudentRecord.number), StudentRecord.number)
    )  # fmt: skip
    yield lines([COLUMNS])
    result = await session.stream(wanted)
    async for rows in result.partitions(ROWS_AT_ONCE):
        yield lines(rows)
