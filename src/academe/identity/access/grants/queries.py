"""What can be asked about the roles held at nodes; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.orm import aliased

from academe.identity.models import OrgUnit, Person, RoleGrant
from academe.identity.types import Role
from academe.platform import clock
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.pagination import SortKey

_GIVER: Final = aliased(Person)

BY_START: Final = (SortKey("starts", RoleGrant.starts_on, descending=True), SortKey("id", RoleGrant.id))
"""The order of grants: the newest first."""


@dataclass(frozen=True, slots=True)
class ShownGrant:
    """A role, whose it is, where and when it is held, and who gave it; `given_by` is empty when Academe did."""

    id: UUID
    person_id: UUID
    person: str
    role: Role
    org_unit_id: UUID
    org_unit: str
    starts_on: date
    ends_on: date | None
    given_by: str | None

    @property
    def state(self) -> str:
        """Whether it holds today."""
        today = clock.now().date()
        if self.starts_on > today:
            return "coming"
        return "ended" if self.ends_on is not None and self.ends_on < today else "in force"


def grants(
    *, person_id: UUID | None = None, org_unit_id: UUID | None = None, ended: bool = True
) -> Select[*tuple[Any, ...]]:
    """The grants of a person or at a node, as far as the reader may see them; without `ended`, only those to come."""
    wanted = (
        select(
            RoleGrant.id, RoleGrant.person_id, Person.display_name, RoleGrant.role, RoleGrant.org_unit_id, OrgUnit.name,
            RoleGrant.starts_on, RoleGrant.ends_on, _GIVER.display_name.label("given_by"),
        )
        .join(Person, Person.id == RoleGrant.person_id)
        .join(OrgUnit, OrgUnit.id == RoleGrant.org_unit_id)
        .outerjoin(_GIVER, _GIVER.id == RoleGrant.granted_by)
    )  # fmt: skip
    if person_id is not None:
        wanted = wanted.where(RoleGrant.person_id == person_id)
    if org_unit_id is not None:
        wanted = wanted.where(RoleGrant.org_unit_id == org_unit_id)
    if not ended:
        wanted = wanted.where(or_(RoleGrant.ends_on.is_(None), RoleGrant.ends_on >= clock.now().date()))
    return wanted


def shown(row: Row[*tuple[Any, ...]]) -> ShownGrant:
    """What a row of `grants` shows."""
    return ShownGrant(*row[:9])


async def grants_at(session: Session | ReadSession, org_unit_id: UUID) -> Sequence[ShownGrant]:
    """The roles held at a node today or later, by role and name; the first 500."""
    wanted = grants(org_unit_id=org_unit_id, ended=False).order_by(RoleGrant.role, Person.display_name, RoleGrant.id)
    return [shown(row) for row in await session.execute(wanted.limit(500))]


async def grants_of(session: Session | ReadSession, person_id: UUID) -> Sequence[ShownGrant]:
    """The roles that a person holds, will hold and has held, the newest first."""
    wanted = grants(person_id=person_id).order_by(RoleGrant.starts_on.desc(), RoleGrant.id)
    return [shown(row) for row in await session.execute(wanted)]


async def grant_shown(session: Session | ReadSession, grant_id: UUID) -> ShownGrant | None:
    """One grant, as far as the reader may see it."""
    row = (await session.execute(grants().where(RoleGrant.id == grant_id))).one_or_none()
    return None if row is None else shown(row)
