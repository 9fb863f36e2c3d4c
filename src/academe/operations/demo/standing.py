"""How far the demo institution stands: a few short questions, so that a second start takes no time."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from academe.academics.models import Offering, Term, Unit
from academe.identity.models import Account, OrgUnit
from academe.insight.models import LearnerDay, RiskScore
from academe.operations.demo.plan import INSTITUTION, PEOPLE, TERM, UNIT, WEEKS
from academe.operations.models import ImportRun


@dataclass(frozen=True, slots=True)
class Standing:
    """What is there. `offerings` are those of the module by their terms; `accounts` are the ids by address."""

    imported: bool
    offerings: dict[str, Offering]
    rolled_up: frozenset[UUID]
    scored: frozenset[date]
    accounts: dict[str, UUID]

    @property
    def scored_offering(self) -> Offering:
        """The offering with the scores; KeyError before the import."""
        return self.offerings[TERM]

    @property
    def unscored_weeks(self) -> tuple[int, ...]:
        """The weeks that still need scores."""
        return tuple(week for week in WEEKS if as_of(self.scored_offering, week) not in self.scored)

    @property
    def has_people(self) -> bool:
        """Whether everybody can sign in."""
        return all(person.email in self.accounts for person in PEOPLE)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to build."""
        return self.imported and not self.unscored_weeks and self.has_people


def as_of(offering: Offering, week: int) -> date:
    """The day at whose end a week of an offering is scored."""
    return offering.starts_on + timedelta(days=7 * week)


async def read_standing(session: AsyncSession) -> Standing:
    """How far the demo stands, as the system sees it."""
    institution = select(OrgUnit.id).where(OrgUnit.parent_id.is_(None), OrgUnit.code == INSTITUTION).scalar_subquery()
    finished = select(func.count()).where(
        ImportRun.institution_id == institution, ImportRun.source == "oulad", ImportRun.finished_at.is_not(None)
    )
    taught = (
        select(Offering)
        .join(Offering.unit)
        .join(Offering.term)
        .where(Offering.institution_id == institution, Unit.code == UNIT)
        .options(joinedload(Offering.term, innerjoin=True))
        .order_by(Term.starts_on)
    )
    offerings = {offering.term.code: offering for offering in await session.scalars(taught)}
    known = {offering.id for offering in offerings.values()}
    rolled_up = await session.scalars(
        select(Offering.id).where(
            Offering.id.in_(known), select(LearnerDay.day).where(LearnerDay.offering_id == Offering.id).exists()
        )
    )
    scored = await session.scalars(
        select(RiskScore.as_of)
        .where(RiskScore.offering_id == (offerings[TERM].id if TERM in offerings else None))
        .distinct()
    )
    addresses = [person.email for person in PEOPLE]
    accounts = await session.execute(select(Account.email, Account.id).where(Account.email.in_(addresses)))
    return Standing(
        imported=bool((await session.execute(finished)).scalar_one()) and TERM in offerings,
        offerings=offerings,
        rolled_up=frozenset(rolled_up),
        scored=frozenset(scored),
        accounts={row.email: row.id for row in accounts},
    )
