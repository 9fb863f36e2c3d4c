"""What came out of an event: score, duration and response, from the entities that it generated or ended."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from academe.lrs.caliper.vocabulary import subtypes_of
from academe.lrs.xapi.grammar import parsed_timestamp
from academe.lrs.xapi.versions import Version

# An attempt or a response tells its time with each of its events, which is counted once: when it is done. How long a
# video is says nothing of the time spent, and sums over weeks, as a ToolUseEvent has them, would be counted again.
_TIMED: Final = subtypes_of("Attempt") | subtypes_of("Response")
_DONE: Final = frozenset(("Completed", "Submitted"))
_ANSWERS: Final = subtypes_of("Response") | subtypes_of("Comment")
_SEPARATOR: Final = "[,]"


def result_of(event: Mapping[str, Any], action: str, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The result of a checked event, empty when it has none; `known` are entities by their IRIs."""
    generated = _entity(event.get("generated"), known)
    result: dict[str, Any] = {}
    score = _score(generated) if generated.get("type") == "Score" else {}
    if score:
        result["score"] = score
    if action == "Completed":
        result["completion"] = True
    response = _response(generated) if generated.get("type") in _ANSWERS else None
    if response is not None:
        result["response"] = response
    if generated.get("type") in _TIMED:
        duration = _duration(generated) if action in _DONE else None
    else:
        duration = _session_time(event, action, known)
    if duration is not None:
        result["duration"] = duration
    return result


def _entity(value: object, known: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    if isinstance(value, str):
        return known.get(value, {})
    return value if isinstance(value, Mapping) else {}


def _score(score: Mapping[str, Any]) -> dict[str, Any]:
    """Points given, of points that could be had; where more were given than that, xAPI allows no bounds to be said."""
    given, most = score.get("scoreGiven"), score.get("maxScore")
    if given is None:
        return {}
    found: dict[str, Any] = {"raw": given}
    if most is not None and most > 0 and 0 <= given <= most:
        found |= {"min": 0, "max": most, "scaled": float(Fraction(given) / Fraction(most))}
    return found


def _response(answer: Mapping[str, Any]) -> str | None:
    value = answer.get("value") or answer.get("dateTimeSelected")
    if value is not None:
        return str(value)
    values = answer.get("values") or answer.get("selections")
    return _SEPARATOR.join(values) if values else None


def _session_time(event: Mapping[str, Any], action: str, known: Mapping[str, Mapping[str, Any]]) -> str | None:
    if event["type"] != "SessionEvent" or action == "LoggedIn":
        return None
    ended = _entity(event.get("object") if action == "TimedOut" else event.get("session"), known)
    return _duration(ended)


def _duration(entity: Mapping[str, Any]) -> str | None:
    """The duration that an entity says, or the time from its start to its end."""
    said = entity.get("duration")
    if said is not None:
        return str(said)
    start, end = (_time(entity.get(key)) for key in ("startedAtTime", "endedAtTime"))
    if start is None or end is None or end < start:
        return None
    return f"PT{(end - start).total_seconds():.3f}".rstrip("0").rstrip(".") + "S"


def _time(value: object) -> Any:
    return parsed_timestamp(value, Version.TWO) if isinstance(value, str) else None
