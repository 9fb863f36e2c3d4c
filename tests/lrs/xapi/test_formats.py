"""How statements, activities and people are returned."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from academe.lrs.xapi import formats
from academe.lrs.xapi.languages import chosen_language, in_one_language, language_ranges
from academe.lrs.xapi.versions import Version
from tests.lrs.xapi import samples
from tests.lrs.xapi.samples import AGENT, ANONYMOUS, BOTH, REFERENCE, full, simple

TEXTS = {"en-US": "color", "en-GB": "colour", "de": "Farbe"}


@pytest.mark.parametrize("version", BOTH)
def test_ids_hold_only_what_identifies(version: Version) -> None:
    statement = full(version)
    before = copy.deepcopy(statement)
    brief = formats.ids(statement)
    assert statement == before
    assert brief["actor"] == {
        "objectType": "Agent",
        "account": {"homePage": "https://campus.example.edu", "name": "s0000001"},
    }
    assert brief["verb"] == {"id": "http://adlnet.gov/expapi/verbs/answered"}
    assert brief["object"] == {"id": "https://campus.example.edu/quiz/4"}
    assert brief["context"]["instructor"] == {"objectType": "Agent", "mbox": "mailto:grace@example.com"}
    assert set(brief["context"]["team"]) == {"objectType", "account"}
    assert brief["context"]["contextActivities"]["parent"] == [{"id": "https://campus.example.edu/course/1"}]
    assert brief["result"] == before["result"]
    assert brief["attachments"] == before["attachments"]
    if version is Version.TWO:
        assert brief["context"]["contextAgents"][0]["agent"] == {"mbox": "mailto:kay@example.com"}
        assert len(brief["context"]["contextGroups"][0]["group"]["member"]) == 2


def test_ids_of_an_anonymous_group_are_those_of_its_members() -> None:
    group = {"objectType": "Group", "name": "Team", "member": [{**AGENT, "name": "Ada"}]}
    brief = formats.ids(simple() | {"actor": group})
    assert brief["actor"] == {"objectType": "Group", "member": [AGENT]}


def test_ids_go_into_sub_statements_and_leave_references() -> None:
    brief = formats.ids(samples.within_sub_statement(full(Version.TWO)))
    assert brief["object"]["object"] == {"id": "https://campus.example.edu/quiz/4"}
    assert brief["object"]["objectType"] == "SubStatement"
    assert formats.ids(simple() | {"object": REFERENCE})["object"] == REFERENCE
    assert formats.ids(simple() | {"object": ANONYMOUS})["object"] == ANONYMOUS


@pytest.mark.parametrize("version", BOTH)
def test_canonical_takes_the_definition_of_the_store_in_one_language(version: Version) -> None:
    known = {"https://campus.example.edu/quiz/4": {"name": TEXTS, "type": "https://example.com/quiz"}}
    statement = full(version)
    before = copy.deepcopy(statement)
    written = formats.canonical(statement, definition_of=known.get, languages=language_ranges("en-GB"))
    assert statement == before
    assert written["object"]["definition"] == {"name": {"en-GB": "colour"}, "type": "https://example.com/quiz"}
    assert written["verb"]["display"] == {"en-US": "answered"}
    assert written["actor"] == before["actor"]
    assert written["context"]["contextActivities"]["parent"] == [{"id": "https://campus.example.edu/course/1"}]


def test_canonical_keeps_the_definition_of_an_activity_that_the_store_does_not_know() -> None:
    written = formats.canonical(full(Version.TWO), definition_of=lambda _: None, languages=("fr",))
    definition = written["object"]["definition"]
    assert definition["name"] == {"en": "Quiz 4"}
    assert definition["choices"] == [{"id": "golf", "description": {"en": "Golf"}}, {"id": "tetris"}]
    assert definition["correctResponsesPattern"] == ["golf[,]tetris"]


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        (None, "en-US"),
        ("", "en-US"),
        ("en-GB", "en-GB"),
        ("EN-gb", "en-GB"),
        ("fr, de;q=0.5", "de"),
        ("de;q=0.5, en-GB;q=0.9", "en-GB"),
        ("de;q=0, en-GB;q=0.1", "en-GB"),
        ("en", "en-US"),
        ("en-AU", "en-US"),
        ("de-CH-1901", "de"),
        ("fr;q=1, *;q=0.5", "en-US"),
        ("*", "en-US"),
        ("de;q=x, en-GB", "en-GB"),
        (";;;,,=", "en-US"),
    ],
)
def test_the_reader_gets_the_language_that_fits_best(header: str | None, tag: str) -> None:
    assert chosen_language(tuple(TEXTS), language_ranges(header)) == tag
    assert in_one_language(TEXTS, language_ranges(header)) == {tag: TEXTS[tag]}


def test_an_empty_language_map_stays_empty() -> None:
    assert in_one_language({}, ("en",)) == {}


@given(st.text(max_size=1000))
def test_no_accept_language_header_is_an_error(header: str) -> None:
    assert chosen_language(tuple(TEXTS), language_ranges(header)) in TEXTS


def test_definitions_are_merged_by_language_and_extension() -> None:
    known = {"name": {"en": "Quiz", "de": "Test"}, "type": "urn:a:b", "extensions": {"urn:x:1": 1}, "choices": [1]}
    new = {"name": {"en": "Quiz 4"}, "extensions": {"urn:x:2": 2}, "choices": [2], "moreInfo": "urn:more:info"}
    merged = formats.merged_definition(known, new)
    assert merged == {
        "name": {"en": "Quiz 4", "de": "Test"},
        "type": "urn:a:b",
        "extensions": {"urn:x:1": 1, "urn:x:2": 2},
        "choices": [2],
        "moreInfo": "urn:more:info",
    }
    assert known["name"] == {"en": "Quiz", "de": "Test"}
    assert formats.merged_definition(merged, new) == merged
    assert formats.merged_definition(None, new) == new


def test_an_activity_is_returned_with_all_its_languages() -> None:
    assert formats.activity_object("urn:a:1", {"name": TEXTS}) == {
        "objectType": "Activity",
        "id": "urn:a:1",
        "definition": {"name": TEXTS},
    }
    assert formats.activity_object("urn:a:1", None) == {"objectType": "Activity", "id": "urn:a:1"}


def test_a_person_has_each_name_and_identifier_once() -> None:
    account = {"homePage": "https://x.example", "name": "1"}
    agents: list[dict[str, Any]] = [
        {"objectType": "Agent", "name": "Ada", "mbox": "mailto:ada@example.com"},
        {"name": "Ada", "account": account},
        {"name": "Ada L.", "mbox": "mailto:ada@example.com"},
    ]
    assert formats.person(agents) == {
        "objectType": "Person",
        "name": ["Ada", "Ada L."],
        "mbox": ["mailto:ada@example.com"],
        "account": [account],
    }
    assert formats.person([]) == {"objectType": "Person"}
