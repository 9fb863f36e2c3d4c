"""What a score is made of, as it was stored with the score, and which of it is worth saying first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

BASELINE: Final = "baseline"
"""The theme of the part that is the same for the whole class."""

OF_THE_CLASS: Final = frozenset({"stage"})
"""Themes that say where the offering stands, not how the student does: part of a score, but no reason to call."""

WORTH_SAYING: Final = 0.15
"""Contributions below this, in log-odds, change a probability by less than four points: no reason to name them."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One theme of a score: its contribution in calibrated log-odds, and the facts behind it in a sentence."""

    theme: str
    label: str
    contribution: float
    sentence: str

    @property
    def raises(self) -> bool:
        """Whether it speaks for a higher risk."""
        return self.contribution > 0


def reasons_of(factors: Iterable[dict[str, Any]]) -> tuple[tuple[Reason, ...], Reason | None]:
    """The themes of a score, largest first, and apart from them what the class as a whole contributes."""
    read = [
        Reason(item["theme"], item["label"], float(item["contribution"]), item.get("sentence") or item["label"])
        for item in factors
    ]
    themes = tuple(sorted((one for one in read if one.theme != BASELINE), key=lambda one: -abs(one.contribution)))
    return themes, next((one for one in read if one.theme == BASELINE), None)


def main_reasons(themes: Sequence[Reason], *, limit: int = 3) -> tuple[str, ...]:
    """Up to `limit` sentences that speak for a higher risk; none when nothing does."""
    raising = [one for one in themes if one.contribution >= WORTH_SAYING and one.theme not in OF_THE_CLASS]
    return tuple(one.sentence for one in raising[:limit])
