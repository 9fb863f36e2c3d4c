"""How the probabilities of a class are spread, as a chart."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from academe.insight.worklist.queries import WorklistFilter, probability_counts
from academe.platform.pages import ChartSpec, Series
from academe.platform.pages.charts import bars
from academe.platform.pages.filters import NOT_KNOWN, plural

STEPS = 20


async def probability_distribution(session: AsyncSession, asked: WorklistFilter) -> ChartSpec | None:
    """Students by probability in steps of five points, of the whole class; None when nobody was scored."""
    whole = WorklistFilter(asked.offering_ids, asked.as_of)
    counts = await probability_counts(session, whole, steps=STEPS)
    if not any(counts):
        return None
    width = 100 // STEPS
    steps = [f"{low}{NOT_KNOWN}{low + width}%" for low in range(0, 100, width)]
    return bars(steps, [Series("Students", counts)], summary=_summary(counts), category_name="Probability")


def _summary(counts: Sequence[int]) -> str:
    total, more_likely = sum(counts), sum(counts[STEPS // 2 :])
    if not more_likely:
        return f"None of {plural(total, 'student')} is more likely than not to be lost."
    verb = "is" if more_likely == 1 else "are"
    return f"{more_likely} of {plural(total, 'student')} {verb} more likely than not to fail or to leave."
