"""JSON documents: whether they are JSON at all, and what a POST makes of two of them.

A merge takes the source text of each property over as it stands. Nothing inside is written anew, so that numbers of any
size, and texts that no UTF-8 could hold, come back as they were sent.
"""

import json
import re
from typing import Any, Final, Never

from academe.lrs.documents.types import Content
from academe.lrs.xapi.faults import XapiFault

_SPACE: Final = re.compile(r"[ \t\n\r]*").match


def _no_json(name: str) -> Never:
    raise XapiFault("", f"The document must be JSON, as its Content-Type says; {name} is none.")


# Values are only looked at, never used: numbers stay texts, so that none is too large.
_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_json)


def check_json(content: Content) -> None:
    """Raise XapiFault when a document calls itself JSON and is none."""
    if content.is_json:
        _parsed(content.body)


def merged(stored: Content, posted: Content) -> Content:
    """The stored object with each property of the posted one set, at the top level only.

    Raises XapiFault when one of them is not of the type `application/json`, or no JSON object. The type of the stored
    document stays.
    """
    for content, which in ((stored, "The stored document"), (posted, "The posted document")):
        if not content.is_json:
            raise XapiFault("", f"{which} must be of the type application/json to be merged; a PUT replaces it.")
    properties = _properties(stored.body, "The stored document") | _properties(posted.body, "The posted document")
    members = ",".join(f"{json.dumps(name)}:{source}" for name, source in properties.items())
    return Content(f"{{{members}}}".encode(), stored.content_type)


def _parsed(body: bytes) -> tuple[str, Any]:
    """The text of a document and its value."""
    try:
        text = str(body, "utf-8")
        return text, _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise XapiFault("", f"The document must be JSON in UTF-8; byte {error.start} is not.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise XapiFault("", f"The document must be JSON, as its Content-Type says; {place} is not.") from None
    except RecursionError:
        raise XapiFault("", "The document is nested too deeply.") from None


def _properties(body: bytes, which: str) -> dict[str, str]:
    """The source of each property of a JSON object, by the property's name; of a name given twice, the last."""
    text, value = _parsed(body)
    if not isinstance(value, dict):
        raise XapiFault("", f"{which} must be a JSON object to be merged; a PUT replaces it.")
    properties: dict[str, str] = {}
    position = text.index("{")
    while True:
        position = _after_space(text, position + 1)
        if text[position] == "}":
            return properties
        name, position = _DECODER.raw_decode(text, position)
        start = _after_space(text, _after_space(text, position) + 1)
        _, end = _DECODER.raw_decode(text, start)
        properties[name] = text[start:end]
        position = _after_space(text, end)
        if text[position] == "}":
            return properties


def _after_space(text: str, position: int) -> int:
    match = _SPACE(text, position)
    assert match is not None, "it also matches nothing"
    return match.end()
