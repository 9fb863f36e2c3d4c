"""The written forms of single values: identifiers, times, durations, language tags, media types.

Predicates over strings. Sources: RFC 3987 (IRI), RFC 4122 (UUID), RFC 3339 and ISO 8601 (times, durations), RFC 5646
(language tags), RFC 9110 (media types). Times and durations are remembered for a while, because whoever checks them
asks for their value next.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from academe.lrs.xapi.versions import Version

_CACHED: Final = 4096


def _form(pattern: str, flags: int = re.ASCII) -> Callable[[str], bool]:
    """Whether a whole text has the form."""
    match = re.compile(pattern, flags).fullmatch

    def has_form(text: str) -> bool:
        return match(text) is not None

    return has_form


# What RFC 3987 allows nowhere: controls, space, delimiters, surrogates and non-characters. Private use stays allowed.
_NOT_IN_IRI: Final = r'\x00-\x20"<>\\^`{|}\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufff0-\uffff'

is_iri = _form(rf"[A-Za-z][A-Za-z0-9+.\-]*:(?=.)[^%{_NOT_IN_IRI}]*(?:%[0-9A-Fa-f]{{2}}[^%{_NOT_IN_IRI}]*)*")
"""An absolute IRI: a scheme, a colon and something after it, without characters that no IRI has."""

is_mailto = _form(rf"mailto:[^@?,;:{_NOT_IN_IRI}]+@[^@?,;/{_NOT_IN_IRI}]+")
"""`mailto:` and one address, with nothing after it."""

is_sha1 = _form(r"[0-9A-Fa-f]{40}")
"""A SHA-1 hash as 40 hexadecimal digits."""

is_sha2 = _form(r"(?:[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128})")
"""A SHA-224, SHA-256, SHA-384 or SHA-512 hash as hexadecimal digits."""

is_uuid = _form(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
"""A UUID in its standard form, of any variant and version."""

_LANGUAGE_TAG: Final = (
    r"(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+"
    r"|en-gb-oed|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)|sgn-(?:be-fr|be-nl|ch-de))"
)
is_language_tag = _form(_LANGUAGE_TAG, re.ASCII | re.IGNORECASE)
"""A well-formed RFC 5646 tag; whether its parts are registered is not asked."""

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z\-]+"
# Spaces are taken once and for all (`*+`): taking them back would let a hostile value cost exponential time.
is_media_type = _form(
    rf'{_WORD}/{_WORD}(?:[ \t]*;[ \t]*+(?:{_WORD}=(?:{_WORD}|"(?:[^"\\\x00-\x1f]|\\[^\x00-\x1f])*"))?)*', 0
)
"""`type/subtype` with parameters, as in a Content-Type header."""

# A fraction is allowed in the smallest unit that is named, which is the last one.
_AMOUNT: Final = r"([0-9]+(?:[.,][0-9]+(?=[A-Z]\Z))?)"
_DURATION: Final = re.compile(
    rf"P(?:{_AMOUNT}W|(?=[0-9T])(?:{_AMOUNT}Y)?(?:{_AMOUNT}M)?(?:{_AMOUNT}D)?"
    rf"(?:T(?=[0-9])(?:{_AMOUNT}H)?(?:{_AMOUNT}M)?(?:{_AMOUNT}S)?)?)"
).fullmatch
_SECONDS_OF_UNITS: Final = (604_800, 31_536_000, 2_592_000, 86_400, 3_600, 60, 1)
_LONGEST_DURATION_SECONDS: Final = 100 * 31_536_000
_LONGEST_CACHED: Final = 64


def is_duration(text: str) -> bool:
    """An ISO 8601 duration with units (`PT1H30M`, `P4W`); the alternative form `P0000-00-00T...` is none."""
    return (_duration_seconds(text) if len(text) <= _LONGEST_CACHED else _measured(text)) is not None


def duration_seconds(text: str) -> float | None:
    """The length of a duration in seconds, with years of 365 and months of 30 days.

    None for what is no duration, and for more than a hundred years, which nobody spent on an activity.
    """
    seconds = _duration_seconds(text) if len(text) <= _LONGEST_CACHED else _measured(text)
    return None if seconds is None or seconds > _LONGEST_DURATION_SECONDS else seconds


def _measured(text: str) -> float | None:
    match = _DURATION(text)
    if match is None:
        return None
    seconds = 0.0
    for amount, unit in zip(match.groups(), _SECONDS_OF_UNITS, strict=True):
        if amount is not None:
            seconds += float(amount.replace(",", ".")) * unit
    return seconds


_duration_seconds = lru_cache(_CACHED)(_measured)

_HOUR: Final = "(?:[01][0-9]|2[0-3])"
_DAY_AND_TIME: Final = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt]{_HOUR}:[0-9]{{2}}:([0-9]{{2}})"
_BASIC: Final = rf"[0-9]{{8}}[Tt]{_HOUR}[0-9]{{2}}([0-9]{{2}})"
# An offset of minus zero says that the zone is unknown (RFC 3339, 4.3); both versions refuse it.
_RFC_3339: Final = re.compile(rf"{_DAY_AND_TIME}(?:\.[0-9]+)?(?:[Zz]|(?!-00:00)[+-]{_HOUR}:[0-5][0-9])").fullmatch
_ISO_8601: Final = re.compile(
    rf"(?:{_DAY_AND_TIME}|{_BASIC})(?:[.,][0-9]+)?(?:[Zz]|(?!-00(?::?00)?\Z)[+-]{_HOUR}(?::?[0-5][0-9])?)?"
).fullmatch
_FORM_OF_TIMES: Final = {Version.ONE: _ISO_8601, Version.TWO: _RFC_3339}


def parsed_timestamp(text: str, version: Version) -> datetime | None:
    """The point in time in UTC, cut to microseconds; None when the text is no timestamp of that version.

    2.0 wants RFC 3339. 1.0.3 wants a date and time of ISO 8601: they may be written without their hyphens and colons,
    the offset may be `+01` or `+0100`, and without any the time is taken as UTC. Years go from 1 to 9999.
    """
    return _parsed_timestamp(text, version) if len(text) <= _LONGEST_CACHED else None


@lru_cache(_CACHED)
def _parsed_timestamp(text: str, version: Version) -> datetime | None:
    match = _FORM_OF_TIMES[version](text)
    if match is None:
        return None
    start, end = match.span(match.lastindex or 1)
    leap = text[start:end] == "60"
    if leap:
        text = f"{text[:start]}59{text[end:]}"
    try:
        time = datetime.fromisoformat(text.upper())
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        return time + timedelta(seconds=1) if leap else time
    except (ValueError, OverflowError):
        return None


def timestamp_text(time: datetime) -> str:
    """A time in UTC as the store writes it: RFC 3339 with `Z`, in milliseconds, or microseconds where there are any."""
    spec = "microseconds" if time.microsecond % 1000 else "milliseconds"
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    # The offset of UTC is always written as six characters.
    return time.isoformat(timespec=spec)[:-6] + "Z"
