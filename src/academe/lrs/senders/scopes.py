"""What a scope lets a sender do besides what it is called: `all` is every other, and who may read all may read some."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from academe.lrs.senders.errors import UnknownScopeError
from academe.lrs.senders.types import Scope

DEFAULT_SCOPES: Final = frozenset({Scope.WRITE_STATEMENTS, Scope.READ_OWN_STATEMENTS})
"""What a sender holds when nobody says otherwise (xAPI 1.0.3, part three, 4.2)."""

_READING: Final = frozenset({Scope.READ_STATEMENTS, Scope.READ_OWN_STATEMENTS})
_IMPLIED: Final[Mapping[Scope, frozenset[Scope]]] = {
    Scope.READ_STATEMENTS: _READING,
    Scope.READ_ALL: _READING,
    Scope.ALL: frozenset(Scope),
}


def allows(scopes: frozenset[Scope], needed: Scope) -> bool:
    """Whether these scopes together hold the one that is needed.

    `all` holds every scope; `all/read` and `statements/read` hold both scopes of reading statements. `all/read` does
    not hold `state` and `profile`, because they also write: whatever reads documents asks for either (`allows_any`).
    """
    return needed in everything_in(scopes)


def allows_any(scopes: frozenset[Scope], needed: frozenset[Scope]) -> bool:
    """Whether these scopes hold one of those that are enough."""
    return not needed.isdisjoint(everything_in(scopes))


@lru_cache(maxsize=256)  # every combination that is in use: there are 256
def everything_in(scopes: frozenset[Scope]) -> frozenset[Scope]:
    """These scopes with all that they imply."""
    return scopes.union(*(_IMPLIED.get(scope, frozenset()) for scope in scopes))


def scopes_named(words: Iterable[str]) -> frozenset[Scope]:
    """The scopes of these names; raises UnknownScopeError (422) for a word that names none."""
    found = set()
    for word in words:
        try:
            found.add(Scope(word))
        except ValueError as error:
            raise UnknownScopeError(word) from error
    return frozenset(found)


def in_order(scopes: Iterable[Scope]) -> list[Scope]:
    """Scopes as they are always listed: in the order of the standard."""
    held = set(scopes)
    return [scope for scope in Scope if scope in held]
