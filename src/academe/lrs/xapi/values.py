"""Checks of single values and maps that several parts of a statement share."""

from collections.abc import Callable
from typing import Any, Final

from academe.lrs.xapi import grammar
from academe.lrs.xapi.checks import Check, known_text_of, map_of, number, text, text_of
from academe.lrs.xapi.faults import Refusal
from academe.lrs.xapi.versions import Version

_DEEPEST_EXTENSION: Final = 100
_LANGUAGE_TAG: Final = "an RFC 5646 language tag such as en or en-GB"

iri: Final = known_text_of(grammar.is_iri, "an IRI with a scheme, such as https://example.com/path")
irl: Final = known_text_of(grammar.is_iri, "an IRL with a scheme, such as https://example.com/path")
mailto: Final = text_of(grammar.is_mailto, "one e-mail address of the form mailto:name@example.com")
sha1: Final = text_of(grammar.is_sha1, "a SHA-1 hash of 40 hexadecimal digits")
sha2: Final = text_of(grammar.is_sha2, "a SHA-2 hash of 56, 64, 96 or 128 hexadecimal digits")
uuid: Final = text_of(grammar.is_uuid, "a UUID such as 6d969975-8d7e-4506-ac19-877c57f2921a")
duration: Final = text_of(grammar.is_duration, "an ISO 8601 duration such as PT1H30M")
language: Final = known_text_of(grammar.is_language_tag, _LANGUAGE_TAG)
media_type: Final = known_text_of(grammar.is_media_type, "a media type such as text/plain")

language_map: Final = map_of(
    grammar.is_language_tag, _LANGUAGE_TAG, text, "a language map, an object of language tags and texts"
)


def _extension(value: object) -> None:
    """Any JSON, null included, that can be kept: finite numbers, and an end of its nesting."""
    kind = type(value)
    if kind is dict or kind is list:
        _nested_extension(value)
    elif kind is float:
        number(value)


def _nested_extension(value: object) -> None:
    level: list[Any] = [value]
    for _ in range(_DEEPEST_EXTENSION):
        inner = [each for item in level for each in (item.values() if type(item) is dict else item)]
        for each in inner:
            if type(each) is float:
                number(each)
        level = [each for each in inner if type(each) is dict or type(each) is list]
        if not level:
            return
    raise Refusal(f"An extension must not be nested deeper than {_DEEPEST_EXTENSION} levels.")


extensions: Final = map_of(grammar.is_iri, "an IRI", _extension, "an object with IRIs as keys")


def _is_timestamp(version: Version) -> Callable[[str], bool]:
    return lambda value: grammar.parsed_timestamp(value, version) is not None


timestamp: Final[dict[Version, Check]] = {
    Version.ONE: text_of(
        _is_timestamp(Version.ONE), "an ISO 8601 date and time such as 2026-11-21T10:00:00.000Z, with no offset of -00"
    ),
    Version.TWO: text_of(
        _is_timestamp(Version.TWO), "an RFC 3339 timestamp such as 2026-11-21T10:00:00.000Z, with no offset of -00:00"
    ),
}
