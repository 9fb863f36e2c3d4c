"""One key for one actor, and what a statement refers to."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from academe.lrs.xapi.identity import identifier_of, key_of
from academe.lrs.xapi.references import references
from academe.lrs.xapi.statement import checked
from academe.lrs.xapi.versions import Version
from tests.lrs.xapi import samples
from tests.lrs.xapi.samples import AGENT, ANONYMOUS, BOTH, REFERENCE, VOIDED_VERB, full, simple

SHA1 = "cd9b00a5611f94eaa7b1661edab976068e364975"
ACTOR = "account:https://campus.example.edu|s0000001"
OBJECT = "https://campus.example.edu/quiz/4"


@pytest.mark.parametrize(
    ("agent", "key"),
    [
        ({"mbox": "mailto:Ada@Example.COM", "name": "Ada"}, "mbox:Ada@example.com"),
        ({"mbox_sha1sum": SHA1.upper()}, f"sha1:{SHA1}"),
        ({"openid": "https://ada.example.org/"}, "openid:https://ada.example.org/"),
        ({"account": {"name": "a|b", "homePage": "https://x.example"}}, "account:https://x.example|a|b"),
        ({"objectType": "Group", "mbox": "mailto:t@example.com", "member": []}, "mbox:t@example.com"),
        (ANONYMOUS, None),
    ],
)
def test_an_actor_has_one_key(agent: dict[str, Any], key: str | None) -> None:
    assert key_of(agent) == key


@pytest.mark.parametrize("key", ["", "mbox", "person:1", "account:https://x.example"])
def test_what_is_no_key_identifies_nobody(key: str) -> None:
    with pytest.raises(ValueError, match="begins with"):
        identifier_of(key)


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="|@"), min_size=1, max_size=20)
AGENTS = st.one_of(
    st.builds(lambda local, domain: {"mbox": f"mailto:{local}@{domain.lower()}"}, WORDS, WORDS),
    st.builds(lambda digits: {"mbox_sha1sum": digits}, st.text("0123456789abcdef", min_size=40, max_size=40)),
    st.builds(lambda path: {"openid": f"https://example.org/{path}"}, WORDS),
    st.builds(
        lambda path, name: {"account": {"homePage": f"https://example.org/{path}", "name": name}}, WORDS, st.text()
    ),
)


@given(AGENTS)
def test_a_key_leads_back_to_its_identifier(agent: dict[str, Any]) -> None:
    key = key_of(agent)
    assert key is not None
    assert key_of(identifier_of(key)) == key
    if "mbox" not in agent:
        assert identifier_of(key) == agent


@given(AGENTS, AGENTS)
def test_different_actors_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (key_of(one) == key_of(other)) == (one == other)


def test_the_references_of_a_full_statement() -> None:
    found = references(checked(full(Version.TWO), Version.TWO), Version.TWO)
    assert found.statement == "12345678-1234-5678-1234-567812345678"
    assert found.actor == ACTOR
    assert found.verb == "http://adlnet.gov/expapi/verbs/answered"
    assert found.activity == OBJECT
    assert found.registration == "ec531277-b57b-4c15-8d91-d292c5b2b8f7"
    assert found.timestamp == datetime(2026, 11, 21, 10, 0, 0, 123000, tzinfo=UTC)
    assert found.agents == {ACTOR}
    assert found.related_agents == {
        ACTOR,
        "mbox:grace@example.com",
        "account:https://campus.example.edu|team-1",
        "openid:https://alan.example.org/",
        "mbox:kay@example.com",
        "mbox:ada@example.com",
        f"sha1:{SHA1}",
        "mbox:lms@example.com",
    }
    assert found.related_activities == {
        OBJECT,
        "https://campus.example.edu/course/1",
        "https://campus.example.edu/programme/1",
        "https://example.com/profile",
    }
    assert (found.target, found.voided, found.context_statement) == (None, None, REFERENCE["id"])
    assert [activity for activity, _ in found.definitions] == [OBJECT]
    assert found.definitions[0][1]["interactionType"] == "choice"
    assert (found.duration_seconds, found.success, found.completion, found.scaled_score) == (750.5, True, False, 0.8)


@pytest.mark.parametrize("version", BOTH)
def test_the_references_of_the_simplest_statement(version: Version) -> None:
    found = references(simple(), version)
    assert found.agents == found.related_agents == {"mbox:ada@example.com"}
    assert found.related_activities == {OBJECT}
    assert found.definitions == ()
    empty = (found.statement, found.registration, found.timestamp, found.target, found.voided, found.context_statement)
    assert set(empty) == {None}
    results = (found.duration_seconds, found.success, found.completion, found.scaled_score)
    assert set(results) == {None}


def test_an_anonymous_group_is_found_by_its_members() -> None:
    found = references(simple() | {"actor": ANONYMOUS}, Version.TWO)
    assert found.actor is None
    assert found.agents == {"mbox:ada@example.com", f"sha1:{SHA1}"}


def test_an_agent_as_object_is_found_narrowly() -> None:
    found = references(simple() | {"object": {"objectType": "Agent", "openid": "https://x.example/"}}, Version.ONE)
    assert found.activity is None
    assert found.agents == {"mbox:ada@example.com", "openid:https://x.example/"}
    assert found.related_activities == frozenset()


@pytest.mark.parametrize("version", BOTH)
def test_a_sub_statement_is_found_broadly_only(version: Version) -> None:
    inner = references(checked(full(version), version), version)
    outer = references(samples.within_sub_statement(full(version)), version)
    assert outer.agents == {"mbox:ada@example.com"}
    assert outer.activity is None
    assert outer.registration is None
    assert outer.related_agents == inner.related_agents - {"mbox:lms@example.com"} | outer.agents
    assert outer.related_activities == inner.related_activities
    assert outer.definitions == inner.definitions


def test_a_voiding_statement_says_what_it_voids() -> None:
    reference = {"objectType": "StatementRef", "id": "6D969975-8D7E-4506-AC19-877C57F2921A"}
    found = references(simple() | {"verb": VOIDED_VERB, "object": reference}, Version.TWO)
    assert found.target == found.voided == "6d969975-8d7e-4506-ac19-877c57f2921a"
    found = references(simple() | {"object": reference}, Version.TWO)
    assert (found.target, found.voided) == ("6d969975-8d7e-4506-ac19-877c57f2921a", None)


def test_a_reference_in_the_context_is_no_target() -> None:
    found = references(simple() | {"context": {"statement": REFERENCE}, "actor": AGENT}, Version.TWO)
    assert (found.context_statement, found.target) == (REFERENCE["id"], None)
