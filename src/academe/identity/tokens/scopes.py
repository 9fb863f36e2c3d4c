"""What a token may do: read, or read and write, everywhere or in one area of the JSON interface.

An area is the heading of routes in the OpenAPI document, in small letters: `people:read`, `learning-records:write`.
"""

import re
from collections.abc import Iterable
from typing import Final

from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.http.cross_site import SAFE_METHODS

EVERYWHERE: Final = ("read", "write")
_FORM: Final = re.compile(r"([a-z][a-z-]{0,40}:)?(read|write)")


def area_of(tag: str) -> str:
    """The area of a heading."""
    return tag.lower().replace(" ", "-")


def needed(method: str, area: str) -> str:
    """The narrowest scope that lets a request through."""
    return f"{area}:{'read' if method in SAFE_METHODS else 'write'}"


def allows(scopes: Iterable[str], wanted: str) -> bool:
    """Whether scopes hold one that is wanted: whoever may write may read, and everywhere is in every area."""
    area, _, verb = wanted.partition(":")
    enough = {"write", f"{area}:write"} | ({"read", f"{area}:read"} if verb == "read" else set())
    return not enough.isdisjoint(scopes)


def checked(scopes: Iterable[str], areas: Iterable[str]) -> list[str]:
    """Scopes in their order, each once. Raises InvalidInputError for none and for what is no scope here."""
    wanted = sorted(set(scopes))
    known = {*EVERYWHERE, *(f"{area}:{verb}" for area in areas for verb in EVERYWHERE)}
    unknown = next((scope for scope in wanted if not _FORM.fullmatch(scope) or scope not in known), None)
    if unknown is not None:
        raise InvalidInputError(errors=[FieldError("scopes", f"{unknown[:60]} is no scope.")])
    if not wanted:
        raise InvalidInputError(errors=[FieldError("scopes", "Please say what it may do.")])
    return wanted
