"""Results and scores (1.0.3: 2.4.5; 2.0: 4.2.2.4)."""

from typing import Any, Final

from academe.lrs.xapi import values
from academe.lrs.xapi.checks import number, refused, shape, text, truth
from academe.lrs.xapi.faults import Refusal


def _scaled(value: object) -> None:
    number(value)
    assert isinstance(value, int | float)
    if not -1 <= value <= 1:
        raise refused(value, "a number from -1 to 1")


def _score_rule(value: dict[str, Any]) -> None:
    low, high, raw = value.get("min"), value.get("max"), value.get("raw")
    if low is not None and high is not None and low >= high:
        raise Refusal("The least score must be less than the greatest.", "min")
    if raw is not None and ((low is not None and raw < low) or (high is not None and raw > high)):
        raise Refusal("The raw score must lie between min and max.", "raw")


_score: Final = shape("a score", {"scaled": _scaled, "raw": number, "min": number, "max": number}, rule=_score_rule)

result: Final = shape(
    "a result",
    {
        "score": _score,
        "success": truth,
        "completion": truth,
        "response": text,
        "duration": values.duration,
        "extensions": values.extensions,
    },
)
