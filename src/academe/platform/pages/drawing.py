"""Numbers to coordinates for the small drawings inside the text: sparklines and probability bars.

They are plain SVG attributes, because the content security policy forbids inline styles.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SparklinePath:
    """A line and the area below it as SVG path data, and where its last point lies."""

    line: str
    area: str
    end_x: float
    end_y: float


def sparkline_path(
    values: Sequence[float | None], width: int = 96, height: int = 24, top: float | None = None
) -> SparklinePath | None:
    """Path data for a series from zero to `top`, else to its largest value; None when fewer than two are known.

    Values that are not known leave no point: the line goes straight across them.
    """
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return None
    top = top or max((value for _, value in known), default=0.0) or 1.0
    step = (width - 4) / (len(values) - 1)
    points = [(2 + index * step, height - 2 - (height - 4) * max(value, 0) / top) for index, value in known]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    area = f"{line}L{points[-1][0]:.1f} {height}L{points[0][0]:.1f} {height}Z"
    return SparklinePath(line, area, round(points[-1][0], 1), round(points[-1][1], 1))


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """Positions on a scale from 0 to 100 (units of the drawing) of an estimate and its interval."""

    low: float
    high: float
    estimate: float

    @property
    def width(self) -> float:
        """The length of the interval, never so short that it cannot be seen."""
        return max(self.high - self.low, 1.5)


def interval_bar(estimate: float, low: float, high: float) -> IntervalBar:
    """A probability with its interval (all 0 to 1) on the scale of the drawing; values outside are clipped."""
    clipped = [round(100 * min(max(value, 0.0), 1.0), 1) for value in (low, high, estimate)]
    return IntervalBar(*clipped)
