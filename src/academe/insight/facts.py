"""What insight announces to other modules, through the outbox and in the transaction that made it so."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from academe.platform.outbox.service import Fact


@dataclass(frozen=True, slots=True)
class RiskScored(Fact):
    """The students of an offering were scored as of the end of a day, the last one where there were several."""

    KIND: ClassVar[str] = "insight.risk_scored"

    offering_id: UUID
    as_of: date
