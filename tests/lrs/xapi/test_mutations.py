"""Whatever is sent as a statement is refused by pointing at a place, or everything else can work with it."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from academe.lrs.xapi import formats
from academe.lrs.xapi.comparison import same
from academe.lrs.xapi.references import references
from academe.lrs.xapi.statement import checked
from academe.lrs.xapi.versions import Version
from tests.lrs.xapi.samples import (
    AGENT,
    ANONYMOUS,
    REFERENCE,
    VOIDED_VERB,
    at,
    fault_of,
    full,
    returned,
    simple,
    tokens_of,
    within_sub_statement,
)

BASES = [
    full(Version.ONE),
    full(Version.TWO),
    within_sub_statement(full(Version.TWO)),
    simple() | {"object": ANONYMOUS},
]
NAMES = ["objectType", "id", "mbox", "member", "account", "name", "definition", "extensions", "context", "a/b~c", ""]
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["Activity", "Agent", "Group", "StatementRef", "SubStatement", "http://example.com", "x:y", "en"]),
)
ANY_JSON = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
KNOWN = st.sampled_from([AGENT, ANONYMOUS, REFERENCE, VOIDED_VERB, simple(), [], {}, full(Version.TWO)["context"]])
CHANGED = st.sampled_from(["taken away", "replaced", "added", "twice"])


def places(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The paths of everything inside a JSON value."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, *path, key)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A statement changed in one to three places."""
    statement = copy.deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([*places(statement)]))
        parent = statement
        for key in path[:-1]:
            parent = parent[key]
        value = copy.deepcopy(draw(ANY_JSON | KNOWN))
        match draw(CHANGED):
            case "taken away":
                del parent[path[-1]]
            case "replaced":
                parent[path[-1]] = value
            case "added" if isinstance(parent, dict):
                parent[draw(st.sampled_from(NAMES) | st.text(max_size=5))] = value
            case _:
                if isinstance(parent, list):
                    parent.append(copy.deepcopy(parent[0]) if parent else value)
        if not statement:
            return statement
    return statement


def leads_somewhere(document: Any, pointer: str) -> bool:
    """Whether there is such a place, or the object in which it is missing."""
    parent_pointer, _, _ = pointer.rpartition("/")
    parent = at(document, parent_pointer)
    key = tokens_of(pointer)[-1] if pointer else ""
    return isinstance(parent, dict) or not pointer or int(key) < len(parent)


@settings(max_examples=400, deadline=None)
@given(mutated() | ANY_JSON, st.sampled_from(Version))
def test_a_mutated_statement_is_refused_at_a_place_or_is_one(statement: Any, version: Version) -> None:
    fault = fault_of(lambda: checked(statement, version))
    if fault is not None:
        assert leads_somewhere(statement, fault.pointer)
        assert str(fault).encode()
        return
    found = references(statement, version)
    assert found.agents <= found.related_agents
    stored = datetime(2026, 11, 21, 12, tzinfo=UTC)
    kept = returned(statement, version, identifier=REFERENCE["id"], stored=stored)
    assert checked(kept, version)
    assert same(statement, kept, version)
    assert checked(formats.canonical(kept, definition_of=lambda _: None, languages=("de",)), version)
    assert references(formats.ids(kept), version).related_activities == found.related_activities
    assert json.dumps(kept)


@settings(max_examples=50, deadline=None)
@example(100)
@example(101)
@given(st.integers(0, 3_000))
def test_depth_is_no_danger(depth: int) -> None:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    statement = simple() | {"result": {"extensions": {"urn:x:y": value}}}
    fault = fault_of(lambda: checked(statement, Version.TWO))
    assert (fault is None) == (depth <= 100)
    if fault is None:
        assert same(statement, copy.deepcopy(statement), Version.TWO)
    assert fault_of(lambda: checked(simple() | {"actor": value}, Version.TWO)) is not None


@pytest.mark.parametrize("value", [float("inf"), float("nan"), [float("-inf")], {"a": [{"b": float("inf")}]}])
def test_an_extension_holds_no_number_that_cannot_be_kept(value: object) -> None:
    fault = fault_of(lambda: checked(simple() | {"context": {"extensions": {"urn:x:y": value}}}, Version.TWO))
    assert fault is not None
    assert fault.pointer == "/context/extensions/urn:x:y"
