"""What academics brings to the directory of people: student numbers, and who studies in a programme."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select

from academe.academics.models import Program, StudentRecord
from academe.identity.api import ProgramFilter
from academe.identity.types import Role
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session

MOST_NUMBERS: Final = 200
_LAST_LETTER: Final = "\U0010ffff"
_STAFF: Final = frozenset(Role) - {Role.STUDENT, Role.GUARDIAN, Role.SERVICE}


async def people_by_number(session: ReadSession | Session, actor: Actor, search: str) -> Sequence[UUID]:
    """The people whose student number is, or begins with, what was typed, as far as the actor may know them."""
    # A range, because LIKE is asked only after the policies and would read every record; comparisons are not.
    numbered = (
        select(StudentRecord.person_id)
        .where(
            StudentRecord.institution_id.in_(_institutions(actor)),
            StudentRecord.number >= search,
            StudentRecord.number < search + _LAST_LETTER,
        )
        .order_by(StudentRecord.number)
        .limit(MOST_NUMBERS)
    )
    return (await session.scalars(numbered)).all()


async def _programs(session: ReadSession | Session, actor: Actor) -> Sequence[tuple[str, str]]:
    wanted = select(Program.id, Program.title).where(Program.institution_id.in_(_institutions(actor)))
    return [(str(row.id), row.title) for row in await session.execute(wanted.order_by(Program.title, Program.id))]


def _students_of(program_id: UUID) -> Select[UUID]:
    return select(StudentRecord.person_id).where(StudentRecord.program_id == program_id)


PROGRAMS: Final = ProgramFilter(_programs, _students_of)


def _institutions(actor: Actor) -> Sequence[UUID]:
    return sorted({scope.institution_id for scope in actor.scopes if scope.role in _STAFF})
