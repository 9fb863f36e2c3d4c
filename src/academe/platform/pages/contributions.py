"""Why a score is what it is: contributions as diverging bars, largest first."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one fact adds to or takes from a score.

    `sentence` says the fact in words; `value` is the contribution on the scale of the score (positive raises the risk);
    `detail` may name the number behind it.
    """

    sentence: str
    value: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ContributionBar:
    """A contribution with its bar on a drawing 200 units wide with zero at 100."""

    contribution: Contribution
    x: float
    width: float

    @property
    def raises(self) -> bool:
        """Whether it speaks for a higher risk."""
        return self.contribution.value > 0


@dataclass(frozen=True, slots=True)
class ContributionBars:
    """Bars on one common scale. `unit` names the scale for the table's header."""

    bars: tuple[ContributionBar, ...]
    unit: str = "percentage points"

    @classmethod
    def of(
        cls, contributions: Sequence[Contribution], *, limit: int | None = None, unit: str = "percentage points"
    ) -> "ContributionBars":
        """The largest contributions, at most `limit`, scaled so that the largest fills its half."""
        chosen = sorted(contributions, key=lambda one: -abs(one.value))[:limit]
        largest = max((abs(one.value) for one in chosen), default=1.0) or 1.0
        bars = []
        for one in chosen:
            width = max(round(96 * abs(one.value) / largest, 1), 1.0)
            bars.append(ContributionBar(one, 100.0 if one.value > 0 else 100.0 - width, width))
        return cls(tuple(bars), unit)
