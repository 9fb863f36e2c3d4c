"""What each scope allows, as the standard says it (xAPI 1.0.3, part three, 4.2)."""

import pytest

from academe.lrs.senders.errors import UnknownScopeError
from academe.lrs.senders.scopes import DEFAULT_SCOPES, allows, allows_any, in_order, scopes_named
from academe.lrs.senders.types import Scope

READING = {Scope.READ_OWN_STATEMENTS, Scope.READ_STATEMENTS}
ALLOWED = {
    Scope.WRITE_STATEMENTS: {Scope.WRITE_STATEMENTS},
    Scope.READ_OWN_STATEMENTS: {Scope.READ_OWN_STATEMENTS},
    Scope.READ_STATEMENTS: READING,
    Scope.STATE: {Scope.STATE},
    Scope.DEFINE: {Scope.DEFINE},
    Scope.PROFILE: {Scope.PROFILE},
    Scope.READ_ALL: {*READING, Scope.READ_ALL},
    Scope.ALL: set(Scope),
}


@pytest.mark.parametrize("held", Scope)
def test_a_scope_allows_what_it_says_and_no_more(held: Scope) -> None:
    assert {needed for needed in Scope if allows(frozenset({held}), needed)} == ALLOWED[held]


def test_scopes_add_up() -> None:
    assert allows(frozenset({Scope.STATE, Scope.READ_STATEMENTS}), Scope.READ_OWN_STATEMENTS)
    assert not allows(frozenset(), Scope.STATE)


def test_reading_documents_is_allowed_by_either() -> None:
    reading_state = frozenset({Scope.STATE, Scope.READ_ALL})
    assert allows_any(frozenset({Scope.READ_ALL}), reading_state)
    assert allows_any(frozenset({Scope.ALL}), reading_state)
    assert not allows_any(DEFAULT_SCOPES, reading_state)


def test_words_become_scopes_in_the_order_of_the_standard() -> None:
    assert in_order(scopes_named(["all/read", "statements/write"])) == [Scope.WRITE_STATEMENTS, Scope.READ_ALL]
    with pytest.raises(UnknownScopeError) as refused:
        scopes_named(["state", "statements"])
    assert refused.value.errors[0].field == "scopes"
