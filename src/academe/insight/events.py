"""What insight lets programs of an institution be told by webhooks; wired in `app.py` and `worker.py`."""

from typing import Final

from sqlalchemy import select

from academe.academics.models import Offering
from academe.insight.facts import RiskScored
from academe.messaging.api import EventKind, Happened
from academe.platform.database.session import Session


async def _scored(session: Session, fact: RiskScored) -> Happened | None:
    """That there are scores, and never whose or which."""
    institution = await session.scalar(select(Offering.institution_id).where(Offering.id == fact.offering_id))
    data = {"offering_id": str(fact.offering_id), "as_of": fact.as_of.isoformat()}
    return Happened(institution, data, f"/offerings/{fact.offering_id}/roster") if institution else None


EVENTS: Final = (EventKind("risk.scored", "The students of an offering were scored", RiskScored, _scored),)
