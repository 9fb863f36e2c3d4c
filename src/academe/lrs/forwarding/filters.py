"""A filter as people write it: IRIs and agents one to a line, and the same from JSON."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar
from uuid import UUID

from academe.lrs.keys import key_uuid
from academe.lrs.watching.filters import LONGEST, agent_key
from academe.lrs.xapi.grammar import is_iri
from academe.platform.errors import FieldError

MOST: Final = 100
"""Values of one condition."""

T = TypeVar("T")


def lines_of(text: str | None) -> list[str]:
    """The lines with something in them."""
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def checked(field: str, values: Iterable[str], of: Callable[[str], T], faults: list[FieldError]) -> list[T]:
    """Each value once, read by `of`; what is wrong is added to the faults."""
    found: dict[T, None] = {}
    for value in values:
        try:
            if len(value) > LONGEST:
                raise ValueError(f"This is longer than {LONGEST} characters.")
            found[of(value)] = None
        except ValueError as error:
            faults.append(FieldError(field, f"{value[:60]}: {error}"))
    if len(found) > MOST:
        faults.append(FieldError(field, f"Please give at most {MOST}."))
    return list(found)


def iri(text: str) -> str:
    """An IRI as it was written; ValueError for what is none."""
    if not is_iri(text):
        raise ValueError("Please give the whole IRI, such as https://example.com/path.")
    return text


def uuid(text: str) -> UUID:
    """A UUID; ValueError for what is none."""
    try:
        return UUID(text)
    except ValueError as error:
        raise ValueError("Please give a UUID, such as 6d969975-8d7e-4506-ac19-877c57f2921a.") from error


def agent(text: str) -> UUID:
    """The key of an agent: JSON, a key of ours, or as people write it; a UUID is such a key already."""
    try:
        return UUID(text)
    except ValueError:
        return key_uuid(agent_key(text))
