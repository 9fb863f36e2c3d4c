"""The whole record of one person, as far as row-level security lets the reader see it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.children.queries import (
    Mark,
    Presence,
    TakenOffering,
    attendance_of,
    offerings_of,
    results_of,
)
from academe.identity.api import ShownGuardianship, guardianships
from academe.identity.models import Person, PersonParticulars


@dataclass(frozen=True, slots=True)
class WholeRecord:
    """How to reach somebody, who looks after them, what they study, and how it goes."""

    person: Person
    particulars: PersonParticulars | None
    guardians: Sequence[ShownGuardianship]
    offerings: Sequence[TakenOffering]
    attendance: Sequence[Presence]
    results: Sequence[Mark]


async def whole_record(session: AsyncSession, person: Person) -> WholeRecord:
    """Everything that is read in an emergency; attendance and results are the newest ones."""
    particulars = select(PersonParticulars).where(PersonParticulars.person_id == person.id)
    return WholeRecord(
        person,
        (await session.scalars(particulars)).one_or_none(),
        await guardianships(session, student_id=person.id),
        await offerings_of(session, person.id),
        await attendance_of(session, person.id),
        await results_of(session, person.id),
    )
