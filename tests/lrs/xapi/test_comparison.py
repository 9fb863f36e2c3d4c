"""When two statements are the same one, and what a store adds to a statement."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from academe.lrs.xapi.comparison import difference, same
from academe.lrs.xapi.statement import checked
from academe.lrs.xapi.versions import Version
from tests.lrs.xapi import samples
from tests.lrs.xapi.samples import AGENT, ANONYMOUS, BOTH, MISSING, changed, full, simple

SIGNATURE = {
    "usageType": "http://adlnet.gov/expapi/attachments/signature",
    "display": {"en": "Signature"},
    "contentType": "application/octet-stream",
    "length": 1,
    "sha2": "a" * 64,
}

IGNORED: list[tuple[str, Any]] = [
    ("/id", "AAAAAAAA-1234-5678-1234-567812345678"),
    ("/id", MISSING),
    ("/stored", "2030-01-01T00:00:00Z"),
    ("/authority", {"mbox": "mailto:other@example.com"}),
    ("/authority", MISSING),
    ("/version", "1.0.0"),
    ("/version", MISSING),
    ("/timestamp", "2026-11-21T11:00:00.123+01:00"),
    ("/timestamp", "2026-11-21T10:00:00.123000Z"),
    ("/timestamp", MISSING),
    ("/verb/display", {"fr": "a répondu"}),
    ("/verb/display", MISSING),
    ("/object/definition", MISSING),
    ("/object/definition/name/en", "Another name"),
    ("/context/contextActivities/parent/definition", {"name": {"en": "Course"}}),
    ("/context/contextActivities/parent", [{"id": "https://campus.example.edu/course/1"}]),
    ("/context/registration", "EC531277-B57B-4C15-8D91-D292C5B2B8F7"),
    ("/context/language", "EN-gb"),
    ("/context/instructor/mbox", "mailto:grace@EXAMPLE.com"),
    ("/attachments/0/length", 28),
    ("/attachments", MISSING),
    ("/result/score/raw", 16.0),
]
COUNTED: list[tuple[str, Any, str]] = [
    ("/actor/name", "Ada L.", "/actor/name"),
    ("/actor/objectType", MISSING, "/actor/objectType"),
    ("/verb/id", "http://example.com/other", "/verb/id"),
    ("/object/id", "https://campus.example.edu/quiz/5", "/object/id"),
    ("/result", MISSING, "/result"),
    ("/result/success", False, "/result/success"),
    ("/result/score/raw", 17, "/result/score/raw"),
    ("/result/duration", "PT750.5S", "/result/duration"),
    ("/result/extensions/https:~1~1example.com~1ext~1tries", 1, "/result/extensions/https:~1~1example.com~1ext~1tries"),
    ("/context/contextActivities/grouping", [], "/context/contextActivities/grouping/0"),
]


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(("pointer", "value"), IGNORED)
def test_what_a_store_may_change_is_no_difference(pointer: str, value: object, version: Version) -> None:
    other = changed(full(version), pointer, value)
    assert difference(full(version), other, version) is None
    assert same(other, full(version), version)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(("pointer", "value", "place"), COUNTED)
def test_what_a_store_may_not_change_is_a_difference(pointer: str, value: object, place: str, version: Version) -> None:
    other = changed(full(version), pointer, value)
    assert difference(full(version), other, version) == place
    assert not same(other, full(version), version)


def test_members_of_groups_stand_in_any_order() -> None:
    turned = copy.deepcopy(ANONYMOUS)
    turned["member"] = list(reversed(turned["member"]))
    for value in ({"actor": turned}, {"object": turned}, {"context": {"team": turned}}):
        original = {key: ANONYMOUS if key != "context" else {"team": ANONYMOUS} for key in value}
        assert same(simple() | original, simple() | value, Version.ONE)
    group = {"objectType": "contextGroup", "group": ANONYMOUS}
    one, other = ({"contextGroups": [{**group, "group": each}]} for each in (ANONYMOUS, turned))
    assert same(simple() | {"context": one}, simple() | {"context": other}, Version.TWO)
    assert not same(simple() | {"actor": ANONYMOUS}, simple() | {"actor": {**turned, "member": [AGENT]}}, Version.ONE)


def test_a_statement_that_is_signed_afterwards_is_the_same() -> None:
    signed = full(Version.TWO)
    signed["attachments"].append(SIGNATURE)
    assert same(full(Version.TWO), signed, Version.TWO)
    assert same(simple(), simple() | {"attachments": [SIGNATURE]}, Version.ONE)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("P1DT12H36M0.1237S", "P1DT12H36M0.12S", True),
        ("PT1.500S", "PT1.5S", True),
        ("PT1.001S", "PT1S", True),
        ("PT1,257S", "PT1.259S", True),
        ("PT0.12S", "PT0.13S", False),
        ("PT0.129S", "PT0.13S", False),
        ("PT60S", "PT1M", False),
        ("PT10S", "PT1S", False),
    ],
)
def test_durations_count_to_the_hundredth(one: str, other: str, equal: bool, version: Version) -> None:
    first, second = (simple() | {"result": {"duration": duration}} for duration in (one, other))
    assert same(first, second, version) is equal


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("/timestamp", "2026-11-21T10:00:00.124Z"), ("/context/instructor/mbox", "mailto:Grace@example.com")],
)
def test_version_two_leaves_out_times_and_case(pointer: str, value: object) -> None:
    assert same(full(Version.TWO), changed(full(Version.TWO), pointer, value), Version.TWO)
    assert difference(full(Version.ONE), changed(full(Version.ONE), pointer, value), Version.ONE) == pointer


@pytest.mark.parametrize(("one", "other"), [(True, 1), (0, False), (None, False), ([], {}), ("1", 1)])
def test_values_of_different_kinds_differ(one: object, other: object) -> None:
    first, second = (simple() | {"result": {"extensions": {"urn:x:y": value}}} for value in (one, other))
    assert difference(first, second, Version.TWO) == "/result/extensions/urn:x:y"


@pytest.mark.parametrize("version", BOTH)
def test_sub_statements_are_compared_by_the_same_rules(version: Version) -> None:
    one = samples.within_sub_statement(full(version))
    assert same(one, changed(one, "/object/verb/display", MISSING), version)
    assert same(one, changed(one, "/object/timestamp", "2026-11-21T12:00:00.123+02:00"), version)
    assert difference(one, changed(one, "/object/result/success", False), version) == "/object/result/success"


CHANGES = st.sampled_from([*IGNORED, *(row[:2] for row in COUNTED)])


@given(st.lists(CHANGES, max_size=4), st.lists(CHANGES, max_size=4))
def test_comparison_is_reflexive_and_symmetric(first: list[tuple[str, Any]], second: list[tuple[str, Any]]) -> None:
    one, other = _with(first), _with(second)
    assert same(one, one, Version.TWO)
    assert same(one, copy.deepcopy(one), Version.TWO)
    assert same(one, other, Version.TWO) == same(other, one, Version.TWO)


def _with(changes: list[tuple[str, Any]]) -> dict[str, Any]:
    statement = full(Version.TWO)
    for pointer, value in changes:
        try:
            statement = changed(statement, pointer, value)
        except (KeyError, IndexError, ValueError):
            continue  # an earlier change took the place away
    return statement


STORED = datetime(2026, 11, 21, 12, 0, 0, 5000, tzinfo=UTC)
IDENTIFIER = "00000000-0000-4000-8000-000000000001"


def kept_form(statement: dict[str, Any], version: Version) -> dict[str, Any]:
    return samples.returned(statement, version, identifier=IDENTIFIER, stored=STORED)


@pytest.mark.parametrize(("version", "text"), [(Version.ONE, "1.0.0"), (Version.TWO, "2.0.0")])
def test_a_store_adds_what_is_missing(version: Version, text: str) -> None:
    """XAPI-00026, XAPI-00099."""
    kept = kept_form(simple(), version)
    assert kept == simple() | {
        "id": IDENTIFIER,
        "authority": AGENT,
        "stored": "2026-11-21T12:00:00.005Z",
        "timestamp": "2026-11-21T12:00:00.005Z",
        "version": text,
    }
    assert checked(kept, version)
    assert same(simple(), kept, version)


@pytest.mark.parametrize("version", BOTH)
def test_a_store_keeps_the_rest_and_changes_nothing_that_it_was_given(version: Version) -> None:
    """XAPI-00096, XAPI-00097."""
    for given_statement in (full(version), samples.within_sub_statement(full(version))):
        before = copy.deepcopy(given_statement)
        kept = kept_form(given_statement, version)
        assert given_statement == before
        assert checked(kept, version)
        assert same(before, kept, version)
    kept = kept_form(full(version), version)
    assert kept["version"] == version.value
    assert kept["timestamp"] == full(version)["timestamp"]
    assert kept["context"]["contextActivities"]["parent"] == [{"id": "https://campus.example.edu/course/1"}]
    kept = kept_form(samples.within_sub_statement(full(version)), version)
    assert kept["object"]["context"]["contextActivities"]["parent"] == [{"id": "https://campus.example.edu/course/1"}]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2023-05-04T12:00:00-05:00", "2023-05-04T17:00:00.000Z"),
        ("2023-05-04T12:00:00.123456789Z", "2023-05-04T12:00:00.123456789Z"),
        ("2023-05-04t12:00:00z", "2023-05-04T12:00:00.000Z"),
        ("20230504T120000,25+01", "2023-05-04T11:00:00.250Z"),
        ("2023-05-04T12:00:00,5Z", "2023-05-04T12:00:00.500Z"),
        ("2023-05-04T12:00:00", "2023-05-04T12:00:00.000Z"),
    ],
)
def test_a_store_keeps_times_in_utc(sent: str, kept: str) -> None:
    """XAPI-00122."""
    statement = simple() | {"timestamp": sent}
    assert kept_form(statement, Version.ONE)["timestamp"] == kept
    inner = kept_form(samples.within_sub_statement(statement), Version.ONE)
    assert inner["object"]["timestamp"] == kept
