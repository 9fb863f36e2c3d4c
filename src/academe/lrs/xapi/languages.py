"""Which language of a language map a reader gets (RFC 9110, 12.5.4; RFC 4647, 3.4)."""

from collections.abc import Mapping, Sequence
from functools import lru_cache


@lru_cache(256)
def _ranges(header: str) -> tuple[str, ...]:
    weighted: list[tuple[float, str]] = []
    for part in header.split(","):
        language, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if language and 0.0 < weight <= 1.0:
            weighted.append((weight, language.lower()))
    return tuple(language for _, language in sorted(weighted, key=lambda pair: -pair[0]))


def language_ranges(header: str | None) -> tuple[str, ...]:
    """The languages of an Accept-Language header in lower case, the most wanted first, without what is malformed."""
    if header is None:
        return ()
    return _ranges(header) if len(header) <= 512 else _ranges.__wrapped__(header)


def chosen_language(tags: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The tag that fits the wanted ranges best; without any that fits the first one, and None when there are no tags.

    A range fits its own tag, then a longer one (`en` finds `en-GB`), then a shorter one (`en-US` finds `en`, and then
    another English one).
    """
    for wish in wanted:
        if wish == "*":
            break
        while wish:
            for tag in tags:
                if tag.lower() == wish:
                    return tag
            for tag in tags:
                if tag.lower().startswith(f"{wish}-"):
                    return tag
            wish = wish.rpartition("-")[0]  # noqa: PLW2901 - the range is shortened until something fits
    return tags[0] if tags else None


def in_one_language(texts: Mapping[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """The language map with the one entry that fits best; empty stays empty."""
    tag = chosen_language(tuple(texts), wanted)
    return {} if tag is None else {tag: texts[tag]}
