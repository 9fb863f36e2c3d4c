"""JSON of a request, refused where a store could not give it back."""

import json
import re
from typing import Any, Final

from academe.lrs.xapi.faults import Refusal, XapiFault

# PostgreSQL's JSONB has no NUL, and half a surrogate pair is no UTF-8: neither could be stored or returned.
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]").search


def _finite(text: str) -> float:
    value = float(text)
    if value - value != 0.0:
        raise Refusal("A number must fit into 64 bits.")
    return value


def _no_number(name: str) -> float:
    raise Refusal(f"{name} is not JSON; a number must be finite.")


_PARSE: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_no_number).decode


def parsed_json(body: bytes | bytearray | memoryview, *, what: str = "The body") -> Any:
    """The value of a JSON text in UTF-8; XapiFault when it is none.

    Refused beside what is not JSON: numbers beyond 64-bit floating point, and strings with a NUL character or half a
    surrogate pair. `what` names the text in the refusal.
    """
    try:
        text = str(body, "utf-8")
    except UnicodeDecodeError as error:
        raise XapiFault("", f"{what} must be JSON in UTF-8; byte {error.start} is not.") from None
    try:
        value = _PARSE(text)
    except Refusal as refusal:
        raise XapiFault("", f"{what} holds a number that cannot be kept. {refusal.message}") from None
    except RecursionError:
        raise XapiFault("", f"{what} is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise XapiFault("", f"{what} must be JSON: line {error.lineno}, column {error.colno} is not.") from None
    except ValueError:
        # Python converts no whole number of more than some thousand digits.
        raise XapiFault("", f"{what} holds a number that cannot be kept.") from None
    if "\\u" in text and (pointer := _unstorable(value)) is not None:
        raise XapiFault(pointer, "A text must not have a NUL character or half a surrogate pair.")
    return value


def _unstorable(root: object) -> str | None:
    """The pointer of the first string, or object with a key, that cannot be stored."""
    waiting: list[tuple[str, object]] = [("", root)]
    while waiting:
        pointer, value = waiting.pop()
        if isinstance(value, str):
            if _UNSTORABLE(value):
                return pointer
        elif isinstance(value, dict):
            if any(_UNSTORABLE(key) for key in value):
                return pointer
            waiting.extend(
                (f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", item) for key, item in value.items()
            )
        elif isinstance(value, list):
            waiting.extend((f"{pointer}/{position}", item) for position, item in enumerate(value))
    return None
