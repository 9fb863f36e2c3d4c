"""What insight tells people: advisors, that students of theirs have come to be at high risk. Never the student.

One notification for an offering and a day, with a number and without names: who they are is on the page, which asks
who may see it.
"""

from typing import Final

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from academe.academics.models import Offering, Term, Unit
from academe.identity.api import holders_at
from academe.identity.types import Role
from academe.insight.facts import RiskScored
from academe.insight.models import RiskScore
from academe.insight.types import RiskBand
from academe.messaging.api import Notice, notify
from academe.messaging.types import NotificationKind
from academe.platform.actor import system_actor
from academe.platform.database.session import Session

ACTOR: Final = system_actor("tell advisors of risk")
URGENT: Final = (RiskBand.HIGH, RiskBand.CRITICAL)


async def tell_advisors(session: Session, fact: RiskScored) -> None:
    """Tell the advisors of the offering's node how many rose to high or critical since the score before.

    Scores of the past that are made up for tell nobody: only the newest day counts.
    """
    newer = exists().where(RiskScore.offering_id == fact.offering_id, RiskScore.as_of > fact.as_of)
    if await session.scalar(select(newer)):
        return
    before = (
        select(RiskScore.enrollment_id, RiskScore.band)
        .where(RiskScore.offering_id == fact.offering_id, RiskScore.as_of < fact.as_of)
        .ext(distinct_on(RiskScore.enrollment_id))
        .order_by(RiskScore.enrollment_id, RiskScore.as_of.desc(), RiskScore.scored_at.desc())
        .subquery()
    )
    risen = (
        select(func.count(RiskScore.enrollment_id.distinct()))
        .outerjoin(before, before.c.enrollment_id == RiskScore.enrollment_id)
        .where(
            RiskScore.offering_id == fact.offering_id,
            RiskScore.as_of == fact.as_of,
            RiskScore.band.in_(URGENT),
            before.c.band.is_(None) | before.c.band.not_in(URGENT),
        )
    )
    count = (await session.execute(risen)).scalar_one()
    if not count:
        return
    named = select(Unit.code, Term.code, Offering.org_unit_id).join(Unit, Unit.id == Offering.unit_id)
    named = named.join(Term, Term.id == Offering.term_id).where(Offering.id == fact.offering_id)
    unit, term, node = (await session.execute(named)).one()
    students = "1 student" if count == 1 else f"{count} students"
    notice = Notice(
        NotificationKind.RISK,
        f"{students} of {unit} {term} came to high or critical risk"[:200],
        f"As of {fact.as_of.day} {fact.as_of:%B %Y}, compared with the score before.",
        f"/offerings/{fact.offering_id}/risk",
        f"risen:{fact.offering_id}:{fact.as_of}",
    )
    advisors = await session.scalars(holders_at(node, Role.ADVISOR))
    await notify(session, actor=ACTOR, notice=notice, receivers=advisors.all())
