"""What is an envelope, and where one that is none is wrong (Caliper 1.2)."""

import copy
import time
from collections.abc import Callable
from typing import Any

import pytest

from academe.lrs.caliper.checking import checked_envelope, is_event
from academe.lrs.caliper.errors import CaliperFault, CaliperVersionError
from academe.lrs.caliper.events import RULES, SPECIAL, rule_of
from academe.lrs.caliper.vocabulary import ENTITIES, PROFILES
from tests.lrs.caliper.samples import (
    CAMPUS,
    CONTEXT,
    EVERY_PROFILE,
    QUIZ,
    STUDENT,
    entity,
    envelope,
    event,
    submitted,
    timed_out,
)

MISSING: Any = object()
ACTIONS = [
    (kind, action)
    for kind, rule in RULES.items()
    if kind != "Event"
    for action in sorted(rule.actions | {special for of, special in SPECIAL if of == kind})
]


def fault_of(value: object) -> CaliperFault:
    with pytest.raises(CaliperFault) as refused:
        checked_envelope(value)
    assert refused.value.status == 400
    return refused.value


def changed(item: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """A copy of an item with another value at a place."""
    item = copy.deepcopy(item)
    *path, last = pointer.split("/")[1:]
    inner: Any = item
    for key in path:
        inner = inner[int(key) if isinstance(inner, list) else key]
    if value is MISSING:
        del inner[last]
    else:
        inner[int(last) if isinstance(inner, list) else last] = value
    return item


class TestEnvelope:
    def test_holds_events_and_descriptions_in_order(self) -> None:
        described = {"@context": CONTEXT, **entity("Page", "notes/4")}
        found = checked_envelope(envelope(described, submitted()))
        assert [is_event(item) for item in found.data] == [False, True]
        assert found.data[1] == submitted()

    @pytest.mark.parametrize("key", ["sensor", "sendTime", "dataVersion", "data"])
    def test_must_have_its_four_properties(self, key: str) -> None:
        assert fault_of(changed(envelope(submitted()), f"/{key}", MISSING)).pointer == f"/{key}"
        assert fault_of(changed(envelope(submitted()), f"/{key}", None)).pointer == f"/{key}"
        assert fault_of(changed(envelope(submitted()), f"/{key}", 7)).pointer == f"/{key}"

    def test_has_no_others(self) -> None:
        assert fault_of(envelope(submitted(), id="urn:x:1")).pointer == "/id"

    @pytest.mark.parametrize("value", [None, [], "text", 1, submitted()])
    def test_is_nothing_else(self, value: object) -> None:
        fault_of(value)

    def test_is_not_empty(self) -> None:
        assert fault_of(envelope()).pointer == "/data"

    @pytest.mark.parametrize("item", [None, [], "https://campus.example.edu/people/1", 3])
    def test_holds_objects_only(self, item: Any) -> None:
        assert fault_of(envelope(submitted(), item)).pointer == "/data/1"

    def test_of_an_unknown_version_is_told_so(self) -> None:
        with pytest.raises(CaliperVersionError) as refused:
            checked_envelope(envelope(submitted(), dataVersion="http://purl.imsglobal.org/ctx/caliper/v2p0"))
        assert refused.value.status == 422
        assert refused.value.errors[0].field == "/dataVersion"

    @pytest.mark.parametrize("version", ["v1p1", "v1p2", "v1p1/ToolUseProfile-extension", "v1p2/"])
    def test_of_a_known_version_is_read(self, version: str) -> None:
        iri = f"http://purl.imsglobal.org/ctx/caliper/{version}"
        checked_envelope(envelope({**submitted(), "@context": iri}, dataVersion=iri))


class TestContext:
    def test_may_be_the_last_of_several(self) -> None:
        checked_envelope(envelope(event("Event", "Viewed", QUIZ) | {"@context": [{"my": "urn:x:"}, CONTEXT]}))

    @pytest.mark.parametrize("context", [None, [], {}, "https://schema.org", [CONTEXT, "https://schema.org"], [None]])
    def test_must_be_calipers(self, context: Any) -> None:
        assert fault_of(envelope(submitted() | {"@context": context})).pointer == "/data/0/@context"


class TestEvent:
    @pytest.mark.parametrize("profile", sorted(PROFILES))
    def test_of_each_profile_passes(self, profile: str) -> None:
        item = EVERY_PROFILE[profile]
        assert checked_envelope(envelope(item)).data == [item]

    @pytest.mark.parametrize(("kind", "action"), ACTIONS)
    def test_of_each_type_and_action_passes_and_refuses_what_is_not_of_it(self, kind: str, action: str) -> None:
        rule = rule_of(kind, action)
        item = event(kind, action, entity(rule.object[0]), actor=entity(rule.actor[0]))
        item |= {key: entity(getattr(rule, key)[0]) for key in ("target", "generated", "referrer")}
        item["federatedSession"] = f"{CAMPUS}/lti/1"
        if "AggregateMeasure" in rule.generated:
            item["generated"] |= {"metric": "MinutesOnTask", "metricValue": 1}
        checked_envelope(envelope(item))
        assert fault_of(envelope(item | {"action": "Disliked"})).pointer == "/data/0/action"
        for key in ("actor", "object", "target", "generated", "referrer"):
            if getattr(rule, key) != ("Entity",):
                wrong = entity("LearningObjective")
                assert fault_of(envelope(item | {key: wrong})).pointer == f"/data/0/{key}/type"

    @pytest.mark.parametrize("key", ["id", "actor", "action", "object", "eventTime"])
    def test_must_have_what_every_event_has(self, key: str) -> None:
        values: tuple[Any, ...] = (MISSING, None, 3, [])
        for value in values:
            assert fault_of(envelope(changed(submitted(), f"/{key}", value))).pointer == f"/data/0/{key}"

    @pytest.mark.parametrize("kind", [MISSING, None, "OutcomeEvent", 4, ["ViewEvent"]])
    def test_must_have_a_type_that_caliper_defines(self, kind: Any) -> None:
        assert fault_of(envelope(changed(submitted(), "/type", kind))).pointer == "/data/0/type"

    @pytest.mark.parametrize(
        ("pointer", "value"),
        [
            ("/id", "0b9c7fd2-3f3e-4e0b-8f2a-6b1d1f0c7a11"),
            ("/id", "https://campus.example.edu/events/1"),
            ("/profile", "ChessProfile"),
            ("/action", "Pondered"),
            ("/eventTime", "yesterday"),
            ("/eventTime", "2026-11-21T10:25:30"),
            ("/eventTime", "2026-11-21+0000"),
            ("/actor", "somebody"),
            ("/actor/id", "no IRI"),
            ("/object/name", 9),
            ("/object/maxScore", "20"),
            ("/object/maxScore", True),
            ("/object/maxAttempts", 1.5),
            ("/generated/duration", "twelve minutes"),
            ("/generated/startedAtTime", 1700000000),
            ("/generated/assignee", 5),
            ("/edApp", "the quiz tool"),
            ("/edApp/type", "Person"),
            ("/group/type", "Page"),
            ("/group/subOrganizationOf/id", MISSING),
            ("/group/subOrganizationOf/type", "Nothing"),
            ("/membership/type", "Session"),
            ("/membership/roles", "Learner"),
            ("/membership/roles/0", 1),
            ("/session/type", "Membership"),
            ("/federatedSession", ["urn:x:1"]),
            ("/extensions", 4),
            ("/extensions", "no IRI"),
        ],
    )
    def test_is_refused_with_the_pointer_of_what_is_wrong(self, pointer: str, value: Any) -> None:
        assert fault_of(envelope(changed(submitted(), pointer, value))).pointer == f"/data/0{pointer}"

    def test_says_where_in_the_envelope_it_is(self) -> None:
        fault = fault_of(envelope(submitted(), timed_out(), changed(submitted(), "/actor/type", "Robot")))
        assert fault.pointer == "/data/2/actor/type"
        assert "Robot" not in fault.message

    def test_demands_what_an_action_needs(self) -> None:
        launch, copied = EVERY_PROFILE["ToolLaunchProfile"], EVERY_PROFILE["ResourceManagementProfile"]
        assert fault_of(envelope(changed(launch, "/federatedSession", MISSING))).pointer == "/data/0/federatedSession"
        assert fault_of(envelope(changed(copied, "/generated", MISSING))).pointer == "/data/0/generated"
        checked_envelope(envelope(changed(launch, "/federatedSession", MISSING) | {"action": "Returned"}))

    def test_feedback_has_the_kind_of_its_action(self) -> None:
        commented = EVERY_PROFILE["FeedbackProfile"]
        assert fault_of(envelope(commented | {"action": "Ranked"})).pointer == "/data/0/generated/type"

    def test_may_name_its_action_by_iri_or_in_the_other_spelling(self) -> None:
        iri = "http://purl.imsglobal.org/caliper/actions/Viewed"
        checked_envelope(envelope(event("ViewEvent", iri, f"{CAMPUS}/notes/4")))
        checked_envelope(envelope(event("ThreadEvent", "MarkedAsUnRead", f"{CAMPUS}/forums/1/threads/5")))

    def test_may_hold_nulls_and_what_caliper_does_not_define(self) -> None:
        checked_envelope(envelope(submitted() | {"target": None, "session": None, "weather": {"rain": 1}}))

    @pytest.mark.parametrize(
        "moment", ["2026-11-21T10:25:30Z", "2026-11-21T12:25:30.5+02:00", "2026-11-21T10:25:30.521+0000"]
    )
    def test_may_have_a_time_of_another_precision_or_offset(self, moment: str) -> None:
        checked_envelope(envelope(submitted() | {"eventTime": moment}))


class TestEntity:
    @pytest.mark.parametrize("kind", sorted(ENTITIES))
    def test_of_every_type_can_be_described(self, kind: str) -> None:
        needed = {"metric": "MinutesOnTask", "metricValue": 1} if kind == "AggregateMeasure" else {}
        item = {"@context": CONTEXT, **entity(kind), **needed}
        assert checked_envelope(envelope(item)).data == [item]

    def test_may_be_a_blank_node(self) -> None:
        checked_envelope(envelope(submitted() | {"actor": {"id": "_:somebody", "type": "Person"}, "edApp": "_:tool"}))

    @pytest.mark.parametrize(
        ("properties", "pointer"),
        [
            ({"otherIdentifiers": "42"}, "/otherIdentifiers"),
            ({"otherIdentifiers": [{"type": "Person", "identifier": "42", "identifierType": "SystemId"}]}, "/0/type"),
            ({"otherIdentifiers": [{"type": "SystemIdentifier", "identifier": "42"}]}, "/0/identifierType"),
            ({"otherIdentifiers": [{"type": "SystemIdentifier", "identifier": 42}]}, "/0/identifier"),
            ({"dateCreated": "2026-13-01T00:00:00Z"}, "/dateCreated"),
            ({"description": 1}, "/description"),
            ({"categories": "all"}, "/categories"),
            ({"messageParameters": ["iss"]}, "/messageParameters"),
            ({"selection": entity("Person")}, "/selection/type"),
            ({"selection": {"type": "TextPositionSelector", "start": "1"}}, "/selection/start"),
        ],
    )
    def test_is_refused_with_the_pointer_of_what_is_wrong(self, properties: dict[str, Any], pointer: str) -> None:
        item = {"@context": CONTEXT, **entity("Person", STUDENT), **properties}
        assert fault_of(envelope(item)).pointer.endswith(pointer)

    def test_collections_hold_what_they_are_for(self) -> None:
        items = [entity("QuestionnaireItem"), entity("Page")]
        item = {"@context": CONTEXT, **entity("Questionnaire", items=items)}
        assert fault_of(envelope(item)).pointer == "/data/0/items/1/type"

    @pytest.mark.parametrize(
        ("kind", "nest"),
        [
            ("Page", lambda inner: {"isPartOf": inner}),
            ("DigitalResourceCollection", lambda inner: {"items": [inner, inner]}),
        ],
    )
    def test_is_not_nested_without_end(self, kind: str, nest: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """What is nested as deep as it may be takes no time, however its parts repeat."""
        deep = entity(kind)
        for _ in range(200):
            deep = entity(kind, **nest(deep))
        started = time.perf_counter()
        assert "nested deeper" in fault_of(envelope({"@context": CONTEXT, **deep})).sentence
        assert time.perf_counter() - started < 1
