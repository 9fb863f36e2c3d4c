"""JSON of a request, refused where a store could not give it back."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic_core import from_json

from academe.lrs.xapi.faults import Refusal, XapiFault, pointer_to
from academe.lrs.xapi.versions import Version

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
    if "\\u" in text:
        _require_storable(value)
    return value


def parsed_statements(body: bytes, version: Version) -> Any:
    """The value of the JSON text of a statement or a batch, in half the time; XapiFault when it is none.

    Refused is what `parsed_json` refuses, but for numbers beyond 64-bit floating point, which `checked` refuses, and in
    2.0 an object that has a property twice. (1.0.3 leaves open what becomes of it: here the last one counts.)
    """
    try:
        value = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise XapiFault("", f"The statements must be JSON in UTF-8: {error}.") from None
    if b"\\u" in body:
        _require_storable(value)
    # Every key ends in a quote and a colon, so a repeated one shows in their number; a text with a quote and a colon
    # in it does too, and is told apart by the slower search.
    if version is Version.TWO and body.translate(None, b" \t\r\n").count(b'":') != _keys(value):
        _require_each_once(body)
    return value


def _keys(value: object) -> int:
    """How many keys all objects of a JSON value have together."""
    if type(value) is dict:
        count = len(value)
        for item in value.values():
            kind = type(item)
            if kind is dict or kind is list:
                count += _keys(item)
        return count
    return sum(map(_keys, value)) if type(value) is list else 0


class _Repeating(dict[str, Any]):
    """An object that had a key twice."""

    repeated = ""


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    repeating = _Repeating()
    for key, item in pairs:
        if key in repeating:
            repeating.repeated = key
        repeating[key] = item
    return repeating


_PARSE_PAIRS: Final = json.JSONDecoder(object_pairs_hook=_object_of).decode


def _require_each_once(body: bytes) -> None:
    for path, value in _everything(_PARSE_PAIRS(body.decode())):
        if isinstance(value, _Repeating):
            raise XapiFault(pointer_to(*path, value.repeated), "An object must have each property only once.")


def _require_storable(root: object) -> None:
    for path, value in _everything(root):
        texts = (value,) if isinstance(value, str) else value if isinstance(value, dict) else ()
        if any(map(_UNSTORABLE, texts)):
            raise XapiFault(pointer_to(*path), "A text must not have a NUL character or half a surrogate pair.")


def _everything(root: object) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Every value inside a JSON value, and itself, with its path."""
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), root)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if isinstance(value, dict):
            waiting.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            waiting.extend(((*path, position), item) for position, item in enumerate(value))
