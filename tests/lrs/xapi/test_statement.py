"""Every MUST on a statement by its number in the list of conformance requirements, in both versions.

Rows whose change lies in what a SubStatement may have too are asked for there as well (XAPI-00066).
"""

from typing import Any

import pytest

from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.statement import checked, checked_activity, checked_actor, checked_agent, checked_batch
from academe.lrs.xapi.versions import Version
from tests.lrs.xapi import samples
from tests.lrs.xapi.requirements import ACCEPTED, REFUSED
from tests.lrs.xapi.samples import AGENT, ANONYMOUS, BOTH, MISSING, VOIDED_VERB, at, changed, full, simple

NOT_IN_SUB_STATEMENTS = {"id", "stored", "authority", "version"}
ROWS = [pytest.param(*row, id=f"{row[0]} {row[1]} {position}") for position, row in enumerate(REFUSED)]
COMMON = [row for row in ROWS if samples.tokens_of(str(row.values[1]))[0] not in NOT_IN_SUB_STATEMENTS]


@pytest.mark.parametrize("version", BOTH)
def test_a_statement_with_every_property_is_one(version: Version) -> None:
    assert checked(full(version), version) == full(version)
    assert checked(simple(), version)
    assert checked(samples.within_sub_statement(full(version)), version)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(("requirement", "pointer", "value", "refused_at"), ROWS)
def test_what_breaks_a_rule_is_refused_there(
    requirement: str, pointer: str, value: object, refused_at: str, version: Version
) -> None:
    with pytest.raises(XapiFault) as refusal:
        checked(changed(full(version), pointer, value), version, at="/3")
    assert refusal.value.pointer == f"/3{refused_at}"
    assert refusal.value.status == 400
    assert refusal.value.sentence.endswith(".")
    assert [error.field for error in refusal.value.errors] == [refusal.value.pointer]


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(("requirement", "pointer", "value", "refused_at"), COMMON)
def test_what_breaks_a_rule_in_a_sub_statement_is_refused_there(
    requirement: str, pointer: str, value: object, refused_at: str, version: Version
) -> None:
    statement = samples.within_sub_statement(changed(full(version), pointer, value))
    with pytest.raises(XapiFault) as refusal:
        checked(statement, version)
    assert refusal.value.pointer == f"/object{refused_at}"


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(
    ("pointer", "value"), [pytest.param(*row[1:], id=f"{row[0]} {row[1]} {n}") for n, row in enumerate(ACCEPTED)]
)
def test_what_keeps_the_rules_is_accepted(pointer: str, value: object, version: Version) -> None:
    statement = full(version)
    if pointer == "/object":
        for key in ("revision", "platform"):
            del statement["context"][key]
    assert checked(changed(statement, pointer, value), version)


@pytest.mark.parametrize(
    ("requirement", "key", "value"),
    [
        ("XAPI-00067", "authority", AGENT),
        ("XAPI-00068", "version", "1.0.0"),
        ("XAPI-00069", "stored", "2026-11-21T10:00:00Z"),
        ("XAPI-00070", "id", "6d969975-8d7e-4506-ac19-877c57f2921a"),
    ],
)
@pytest.mark.parametrize("version", BOTH)
def test_a_sub_statement_has_nothing_that_a_store_adds(
    requirement: str, key: str, value: object, version: Version
) -> None:
    statement = samples.within_sub_statement(simple())
    statement["object"][key] = value
    with pytest.raises(XapiFault) as refusal:
        checked(statement, version)
    assert refusal.value.pointer == f"/object/{key}"


@pytest.mark.parametrize("version", BOTH)
def test_a_sub_statement_has_none_of_its_own(version: Version) -> None:
    """XAPI-00071."""
    with pytest.raises(XapiFault) as refusal:
        checked(samples.within_sub_statement(samples.within_sub_statement(simple())), version)
    assert refusal.value.pointer == "/object/object/objectType"


@pytest.mark.parametrize("kind", [AGENT, ANONYMOUS, samples.REFERENCE])
@pytest.mark.parametrize(("requirement", "key"), [("XAPI-00084", "revision"), ("XAPI-00085", "platform")])
def test_revision_and_platform_go_with_activities_only(requirement: str, key: str, kind: dict[str, Any]) -> None:
    statement = simple() | {"object": kind, "context": {key: "3"}}
    for version in BOTH:
        with pytest.raises(XapiFault) as refusal:
            checked(statement, version)
        assert refusal.value.pointer == f"/context/{key}"
        assert checked(simple() | {"context": {key: "3"}}, version)


@pytest.mark.parametrize("version", BOTH)
def test_a_voiding_statement_refers_to_another(version: Version) -> None:
    """XAPI-00019, XAPI-00020."""
    assert checked(simple() | {"verb": VOIDED_VERB, "object": samples.REFERENCE}, version)


@pytest.mark.parametrize("key", ["contextAgents", "contextGroups"])
def test_context_agents_and_groups_are_of_version_two(key: str) -> None:
    with pytest.raises(XapiFault) as refusal:
        checked(full(Version.TWO) | {"version": "1.0.0"}, Version.ONE)
    assert refusal.value.pointer == "/context/contextAgents"
    with pytest.raises(XapiFault) as refusal:
        checked(simple() | {"context": {key: []}}, Version.ONE)
    assert refusal.value.pointer == f"/context/{key}"


@pytest.mark.parametrize(
    ("pointer", "value", "refused_at"),
    [
        ("/contextAgents", {}, "/contextAgents"),
        ("/contextAgents/0/objectType", MISSING, "/contextAgents/0/objectType"),
        ("/contextAgents/0/objectType", "contextGroup", "/contextAgents/0/objectType"),
        ("/contextAgents/0/agent", MISSING, "/contextAgents/0/agent"),
        ("/contextAgents/0/agent", {"key": "x"}, "/contextAgents/0/agent/key"),
        ("/contextAgents/0/agent", ANONYMOUS, "/contextAgents/0/agent/objectType"),
        ("/contextAgents/0/relevantTypes", [], "/contextAgents/0/relevantTypes"),
        ("/contextAgents/0/relevantTypes", ["abc"], "/contextAgents/0/relevantTypes/0"),
        ("/contextGroups/0/objectType", "contextAgent", "/contextGroups/0/objectType"),
        ("/contextGroups/0/group", MISSING, "/contextGroups/0/group"),
        ("/contextGroups/0/group", AGENT, "/contextGroups/0/group/objectType"),
        ("/contextGroups/0/relevantTypes", [], "/contextGroups/0/relevantTypes"),
        ("/contextGroups/0/relevantTypes/0", "abc", "/contextGroups/0/relevantTypes/0"),
        ("/contextGroups/0/members", [], "/contextGroups/0/members"),
    ],
)
def test_context_agents_and_groups_follow_their_rules(pointer: str, value: object, refused_at: str) -> None:
    statement = changed(full(Version.TWO), f"/context{pointer}", value)
    with pytest.raises(XapiFault) as refusal:
        checked(statement, Version.TWO)
    assert refusal.value.pointer == f"/context{refused_at}"


@pytest.mark.parametrize("time", ["2026-11-21T10:00:00", "2026-11-21T10:00:00+0100", "20261121T100000Z"])
def test_version_two_wants_the_time_of_rfc_3339(time: str) -> None:
    statement = simple() | {"timestamp": time}
    assert checked(statement, Version.ONE)
    with pytest.raises(XapiFault) as refusal:
        checked(statement, Version.TWO)
    assert refusal.value.pointer == "/timestamp"


def test_a_request_of_version_one_has_no_statement_of_version_two() -> None:
    assert checked(simple() | {"version": "2.0.0"}, Version.TWO)
    with pytest.raises(XapiFault) as refusal:
        checked(simple() | {"version": "2.0.0"}, Version.ONE)
    assert refusal.value.pointer == "/version"


def test_a_refusal_repeats_no_value() -> None:
    with pytest.raises(XapiFault) as refusal:
        checked(simple() | {"actor": {"mbox": "ada.lovelace"}}, Version.TWO)
    assert "lovelace" not in str(refusal.value)
    assert str(refusal.value).startswith("/actor/mbox: This must be one e-mail address")


def test_a_key_in_another_case_is_told_how_it_is_spelled() -> None:
    with pytest.raises(XapiFault, match='spells this property "timestamp"'):
        checked(simple() | {"timeStamp": "2026-11-21T10:00:00Z"}, Version.TWO)


def test_a_batch_points_at_its_statement() -> None:
    assert checked_batch(simple(), Version.TWO) == [simple()]
    assert checked_batch([], Version.TWO) == []
    with pytest.raises(XapiFault) as refusal:
        checked_batch([simple(), simple() | {"verb": {}}], Version.TWO)
    assert refusal.value.pointer == "/1/verb/id"
    with pytest.raises(XapiFault) as refusal:
        checked_batch("statement", Version.TWO)
    assert refusal.value.pointer == ""


def test_a_batch_names_no_statement_twice() -> None:
    first, second = full(Version.TWO), full(Version.TWO)
    second["id"] = at(first, "/id").upper()
    with pytest.raises(XapiFault) as refusal:
        checked_batch([first, second], Version.TWO)
    assert refusal.value.pointer == "/1/id"


def test_actors_and_activities_stand_alone_too() -> None:
    assert checked_actor(ANONYMOUS) == ANONYMOUS
    assert checked_agent(AGENT) == AGENT
    assert checked_activity(samples.ACTIVITY) == samples.ACTIVITY
    with pytest.raises(XapiFault) as refusal:
        checked_agent(ANONYMOUS, at="/agent")
    assert refusal.value.pointer == "/agent/objectType"
