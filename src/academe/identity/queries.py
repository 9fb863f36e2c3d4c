"""What identity can be asked; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from academe.identity.models import (
    Account,
    AccountSession,
    EmergencyOpening,
    OrgUnit,
    Person,
    PersonParticulars,
    RoleGrant,
)
from academe.identity.types import PersonStatus, Role
from academe.platform import clock
from academe.platform.actor import OpenedRecord, RoleScope


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role as its holder sees it: where it is held and until when."""

    grant_id: UUID
    role: Role
    org_unit_id: UUID
    org_unit_name: str
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class MadeUpAccount:
    """An account under a domain that no real person can have (RFC 2606: `.example`), as the demo makes them."""

    email: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """A person's own account, as the person sees it."""

    name: str
    email: str
    institution: str
    last_signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnSession:
    """One browser in which a person is signed in."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str


def in_force(day: date) -> ColumnElement[bool]:
    """Role grants that hold on a day; both ends are inclusive."""
    return and_(RoleGrant.starts_on <= day, or_(RoleGrant.ends_on.is_(None), RoleGrant.ends_on >= day))


def subtree(root_id: UUID | ScalarSelect[UUID]) -> Select[UUID]:
    """The ids of a node and of every node below it."""
    nodes = select(OrgUnit.id).where(OrgUnit.id == root_id).cte("nodes", recursive=True)
    nodes = nodes.union(select(OrgUnit.id).join(nodes, OrgUnit.parent_id == nodes.c.id))
    return select(nodes.c.id)


def holders_at(org_unit_id: UUID, *roles: Role) -> Select[UUID]:
    """The ids of the people who hold one of the roles today at a node or at one above it."""
    held = (_at_or_above(org_unit_id), RoleGrant.role.in_(roles), in_force(clock.now().date()))
    return select(RoleGrant.person_id).where(*held).distinct()


async def administers_until(session: AsyncSession, person_id: UUID, org_unit_id: UUID) -> date | None:
    """The last day of somebody who administers a node today; None when no end is set."""
    held = (_at_or_above(org_unit_id), RoleGrant.role == Role.ADMINISTRATOR, in_force(clock.now().date()))
    ends = (await session.scalars(select(RoleGrant.ends_on).where(RoleGrant.person_id == person_id, *held))).all()
    last_days = [day for day in ends if day is not None]
    return max(last_days, default=None) if len(last_days) == len(ends) else None


def _at_or_above(org_unit_id: UUID) -> ColumnElement[bool]:
    above = select(OrgUnit.id, OrgUnit.parent_id).where(OrgUnit.id == org_unit_id).cte("above", recursive=True)
    above = above.union(select(OrgUnit.id, OrgUnit.parent_id).join(above, OrgUnit.id == above.c.parent_id))
    return RoleGrant.org_unit_id.in_(select(above.c.id))


def org_units_of(institution_id: UUID) -> Select[OrgUnit]:
    """Every node of an institution, by code."""
    return select(OrgUnit).where(OrgUnit.institution_id == institution_id).order_by(OrgUnit.code)


def institutions() -> Select[OrgUnit]:
    """Every institution, by code; their codes need not differ."""
    return select(OrgUnit).where(OrgUnit.parent_id.is_(None)).order_by(OrgUnit.code, OrgUnit.id)


async def role_scopes(session: AsyncSession, person_id: UUID) -> tuple[RoleScope, ...]:
    """The roles that a person holds today, each at its node and at every node below it."""
    held = (
        select(RoleGrant.role, OrgUnit.id, OrgUnit.institution_id)
        .join(OrgUnit, OrgUnit.id == RoleGrant.org_unit_id)
        .where(RoleGrant.person_id == person_id, in_force(clock.now().date()))
        .cte("held", recursive=True)
    )
    below = select(held.c.role, OrgUnit.id, OrgUnit.institution_id).join(OrgUnit, OrgUnit.parent_id == held.c.id)
    held = held.union(below)
    rows = await session.execute(select(held.c.role, held.c.id, held.c.institution_id))
    return tuple(
        RoleScope(role=role.value, institution_id=institution_id, org_unit_id=org_unit_id)
        for role, org_unit_id, institution_id in rows
    )


async def held_roles(session: AsyncSession, person_id: UUID) -> Sequence[HeldRole]:
    """The roles that a person holds today or will hold, as granted, by name of the node."""
    today = clock.now().date()
    rows = await session.execute(
        select(RoleGrant.id, RoleGrant.role, OrgUnit.id, OrgUnit.name, RoleGrant.starts_on, RoleGrant.ends_on)
        .join(OrgUnit, OrgUnit.id == RoleGrant.org_unit_id)
        .where(RoleGrant.person_id == person_id, or_(RoleGrant.ends_on.is_(None), RoleGrant.ends_on >= today))
        .order_by(OrgUnit.name, RoleGrant.role)
    )
    return [HeldRole(*row) for row in rows]


async def own_account(session: AsyncSession, person_id: UUID) -> OwnAccount:
    """The account of a person who is signed in, and so has one."""
    row = await session.execute(
        select(Person.display_name, Account.email, OrgUnit.name, Account.last_signed_in_at)
        .join(Account, Account.person_id == Person.id)
        .join(OrgUnit, OrgUnit.id == Person.institution_id)
        .where(Person.id == person_id)
    )
    return OwnAccount(*row.one())


async def start_page_of(session: AsyncSession, person_id: UUID) -> str | None:
    """The page that a person wants to see first, whether or not they may still see it."""
    chosen: str | None = await session.scalar(
        select(PersonParticulars.start_page).where(PersonParticulars.person_id == person_id)
    )
    return chosen


async def own_sessions(session: AsyncSession, person_id: UUID, *, idle: timedelta) -> Sequence[OwnSession]:
    """The sessions of a person that are neither ended nor over, last seen first; `idle` is the time that ends one."""
    now = clock.now()
    rows = await session.execute(
        select(AccountSession.id, AccountSession.created_at, AccountSession.last_seen_at, AccountSession.user_agent)
        .join(Account, Account.id == AccountSession.account_id)
        .where(
            Account.person_id == person_id,
            AccountSession.revoked_at.is_(None),
            AccountSession.expires_at > now,
            AccountSession.last_seen_at > now - idle,
        )
        .order_by(AccountSession.last_seen_at.desc(), AccountSession.id)
    )
    return [OwnSession(*row) for row in rows]


def has_email(email: str) -> ColumnElement[bool]:
    """The account of an e-mail address, however it is capitalised."""
    return func.lower(Account.email) == email.strip().lower()


async def made_up_accounts(session: AsyncSession, *, limit: int = 12) -> Sequence[MadeUpAccount]:
    """Active accounts with addresses under `.example`, for the sign-in page of a demo; ordered by address."""
    roles = (
        select(RoleGrant.person_id, func.array_agg(RoleGrant.role.distinct()).label("roles"))
        .where(in_force(clock.now().date()))
        .group_by(RoleGrant.person_id)
        .subquery()
    )
    rows = await session.execute(
        select(Account.email, Person.display_name, roles.c.roles)
        .join(Person, Person.id == Account.person_id)
        .outerjoin(roles, roles.c.person_id == Person.id)
        .where(Account.email.like("%.example"), Account.is_active, Person.status == PersonStatus.ACTIVE)
        .order_by(Account.email)
        .limit(limit)
    )
    return [MadeUpAccount(email, name, tuple(str(role) for role in held or ())) for email, name, held in rows]


def opening_runs() -> ColumnElement[bool]:
    """Openings that are in force now."""
    return and_(EmergencyOpening.closed_at.is_(None), EmergencyOpening.until > func.now())


def has_opened(person_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Whether somebody has anything open now, as a column of a statement about people."""
    return exists().where(EmergencyOpening.opened_by == person_id, opening_runs())


async def records_opened_by(session: AsyncSession, person_id: UUID) -> Sequence[OpenedRecord]:
    """What somebody has open now, for the banner on every page."""
    rows = await session.execute(
        select(EmergencyOpening.id, Person.id, Person.display_name, EmergencyOpening.until)
        .join(Person, Person.id == EmergencyOpening.person_id)
        .where(EmergencyOpening.opened_by == person_id, opening_runs())
        .order_by(EmergencyOpening.until)
    )
    return [OpenedRecord(*row) for row in rows]
