"""What can be asked about guardians; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from academe.identity.access.guardians.models import Guardianship
from academe.identity.models import Person
from academe.identity.types import Role
from academe.platform import clock
from academe.platform.actor import RoleScope

PARTS: Final = (("offerings", "Offerings"), ("attendance", "Attendance"), ("results", "Results"))
"""The parts of a record that a student lets a guardian see, and what they are called."""


@dataclass(frozen=True, slots=True)
class ShownGuardianship:
    """A guardianship with names. `seen` are the parts that the guardian may see today."""

    id: UUID
    guardian_id: UUID
    guardian: str
    student_id: UUID
    student: str
    starts_on: date
    ends_on: date | None
    needs_consent: bool
    seen: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        """Whether it counts no more."""
        return self.ends_on is not None and self.ends_on < clock.now().date()

    @property
    def seen_words(self) -> str:
        """What the guardian may see, in words."""
        return ", ".join(label for part, label in PARTS if part in self.seen) or "Nothing yet"


def on(day: date) -> ColumnElement[bool]:
    """Guardianships that hold on a day; both ends are inclusive."""
    return and_(Guardianship.starts_on <= day, or_(Guardianship.ends_on.is_(None), Guardianship.ends_on >= day))


async def guardianships(
    session: AsyncSession, *, guardian_id: UUID | None = None, student_id: UUID | None = None, over: bool = False
) -> Sequence[ShownGuardianship]:
    """Those of a guardian or about a student, by name, as far as the reader may see them; `over`: past ones too."""
    guardian, student = aliased(Person), aliased(Person)
    wanted = (
        select(Guardianship, guardian.display_name, student.display_name)
        .join(guardian, guardian.id == Guardianship.guardian_id)
        .join(student, student.id == Guardianship.student_id)
        .order_by(student.display_name, guardian.display_name, Guardianship.starts_on, Guardianship.id)
    )
    if guardian_id is not None:
        wanted = wanted.where(Guardianship.guardian_id == guardian_id)
    if student_id is not None:
        wanted = wanted.where(Guardianship.student_id == student_id)
    if not over:
        wanted = wanted.where(on(clock.now().date()))
    return [_shown(link, of, about) for link, of, about in await session.execute(wanted)]


async def guardian_scopes(session: AsyncSession, person_id: UUID) -> Sequence[RoleScope]:
    """The role of a guardian, for the resolver that makes actors of requests."""
    rows = await session.scalars(
        select(Guardianship.institution_id)
        .where(Guardianship.guardian_id == person_id, on(clock.now().date()))
        .distinct()
    )
    return [RoleScope(role=Role.GUARDIAN.value, institution_id=each, org_unit_id=each) for each in rows]


def _shown(link: Guardianship, guardian: str, student: str) -> ShownGuardianship:
    seen = tuple(part for part, _ in PARTS if not link.needs_consent or getattr(link, f"covers_{part}"))
    return ShownGuardianship(
        link.id, link.guardian_id, guardian, link.student_id, student, link.starts_on, link.ends_on,
        link.needs_consent, seen,
    )  # fmt: skip
