"""What a page of the worklist is asked for and shows, the same for JSON, an advisor's page and an offering's page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from academe.insight.types import RiskBand
from academe.insight.weeks import Week, choose_week, scored_weeks
from academe.insight.worklist.queries import (
    Order,
    WorklistFilter,
    WorklistOffering,
    WorklistRows,
    band_counts,
    offerings_with_scores,
    worklist_page,
)
from academe.platform import clock
from academe.platform.http.pagination import PageRequest
from academe.platform.pages import Sort

BY_NEED: Final = Sort("need", descending=True)
DESCENDING_FIRST: Final = ("need", "change")


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of a worklist; empty or unknown values ask for nothing."""

    week: int | None = None
    band: RiskBand | None = None
    search: str = ""
    rising: bool = False
    sort: Sort = BY_NEED


@dataclass(frozen=True, slots=True)
class Worklist:
    """A page of the worklist with the week it is about and how many students are in each band."""

    week: Week
    found: WorklistRows
    counts: Mapping[RiskBand, int]
    asked: WorklistFilter

    @property
    def total(self) -> int:
        """Students in the list, on this page and all others."""
        if self.asked.band is not None:
            return self.counts[self.asked.band]
        return sum(self.counts.values())


async def read_worklist(
    session: AsyncSession, offerings: Sequence[WorklistOffering], asked: Asked, paging: PageRequest
) -> Worklist:
    """The students of some offerings as of the week asked for; weeks count from the first of the offerings to begin.

    Raises InvalidCursorError.
    """
    ids = tuple(offering.id for offering in offerings)
    starts_on = min(offering.starts_on for offering in offerings)
    ends_on = max(offering.ends_on for offering in offerings)
    scored = await scored_weeks(session, ids, starts_on, ends_on)
    week = choose_week(starts_on, ends_on, asked=asked.week, today=clock.now().date(), scored=scored)
    narrowed = WorklistFilter(
        ids,
        week.as_of,
        asked.band,
        asked.search.strip(),
        asked.rising,
        cast("Order", asked.sort.key),
        asked.sort.descending,
    )
    counts = await band_counts(session, narrowed)
    return Worklist(week, await worklist_page(session, narrowed, paging), counts, narrowed)


async def offerings_of_term(
    session: AsyncSession, offerings: Sequence[WorklistOffering], term_id: UUID | None
) -> Sequence[WorklistOffering]:
    """The offerings of the term asked for; else of the one that is taught today, or of the latest with scores.

    `offerings` come latest term first.
    """
    today = clock.now().date()
    terms = list(dict.fromkeys(offering.term_id for offering in offerings))
    if term_id not in terms:
        going_on = [each.term_id for each in offerings if each.starts_on <= today <= each.ends_on]
        scored = await offerings_with_scores(session, [each.id for each in offerings])
        with_scores = [each.term_id for each in offerings if each.id in scored]
        term_id = next(iter([*going_on, *with_scores, *terms]), None)
    return [each for each in offerings if each.term_id == term_id]
