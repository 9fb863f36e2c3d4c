"""Events as statements: valid ones of xAPI 2.0, with the original in them."""

import copy
import json
from typing import Any

import pytest

from academe.lrs.caliper.agents import identifier_of
from academe.lrs.caliper.checking import checked_envelope
from academe.lrs.caliper.events import RULES, SPECIAL, rule_of
from academe.lrs.caliper.statements import ORIGINAL, description_of, statement_of, statements_of
from academe.lrs.caliper.vocabulary import ENTITIES, PROFILES, words_of
from academe.lrs.statements.incoming import kind_of
from academe.lrs.xapi.identity import key_of
from academe.lrs.xapi.statement import checked
from academe.lrs.xapi.versions import Version
from tests.lrs.caliper.samples import (
    ATTEMPT,
    CAMPUS,
    CONTEXT,
    COURSE,
    EVENT_ID,
    EVERY_PROFILE,
    QUIZ,
    SECTION,
    SENDER,
    STUDENT,
    TOOL,
    entity,
    envelope,
    event,
    graded,
    submitted,
    timed_out,
)

ADA = {"account": {"homePage": f"{CAMPUS}/people", "name": "s1200345"}}
CALIPER = "http://purl.imsglobal.org/caliper"
ACTIONS = [
    (kind, action)
    for kind, rule in RULES.items()
    for action in sorted(rule.actions | {special for of, special in SPECIAL if of == kind})
]


def valid(item: dict[str, Any], *described: dict[str, Any]) -> dict[str, Any]:
    """The statement of an event, checked and with the original in it."""
    before = copy.deepcopy(item)
    known = [{"@context": CONTEXT, **each} for each in described]
    found = statements_of(checked_envelope(envelope(*known, item)), SENDER)[-1]
    assert checked(copy.deepcopy(found), Version.TWO) == found
    assert found["context"]["extensions"] == {ORIGINAL: before}
    return found


def ids(activities: list[dict[str, Any]]) -> list[str]:
    return [activity["id"] for activity in activities]


class TestWhole:
    def test_a_submitted_quiz(self) -> None:
        found = valid(submitted())
        assert found["id"] == EVENT_ID.removeprefix("urn:uuid:")
        assert found["actor"] == {"objectType": "Agent", **ADA}
        assert found["verb"] == {"id": f"{CALIPER}/actions/Submitted", "display": {"en": "submitted"}}
        assert found["object"] == {
            "objectType": "Activity",
            "id": QUIZ,
            "definition": {"name": {"und": "Cells and tissues"}, "type": f"{CALIPER}/Assessment"},
        }
        assert found["result"] == {"duration": "PT12M30S"}
        assert found["timestamp"] == "2026-11-21T10:25:30.000Z"
        activities = found["context"]["contextActivities"]
        assert ids(activities["grouping"]) == [SECTION, COURSE]
        assert ids(activities["category"]) == [f"{CALIPER}/profiles/AssessmentProfile"]
        assert ids(activities["other"]) == [ATTEMPT, TOOL]
        assert "parent" not in activities
        assert "contextAgents" not in found["context"]

    @pytest.mark.parametrize("profile", sorted(PROFILES))
    def test_each_profile_gives_a_valid_statement(self, profile: str) -> None:
        found = valid(EVERY_PROFILE[profile])
        assert ids(found["context"]["contextActivities"]["category"]) == [f"{CALIPER}/profiles/{profile}"]

    @pytest.mark.parametrize(("kind", "action"), ACTIONS)
    def test_each_type_and_action_gives_a_valid_statement(self, kind: str, action: str) -> None:
        rule = rule_of(kind, action)
        item = event(kind, action, f"{CAMPUS}/object", actor=f"{CAMPUS}/actor", federatedSession=f"{CAMPUS}/lti/1")
        item |= {key: entity(getattr(rule, key)[0]) for key in ("target", "generated", "referrer")}
        assert valid(item)["verb"]["display"] == {"en": words_of(action)}

    def test_the_same_event_gives_the_same_statement(self) -> None:
        assert valid(submitted()) == valid(submitted())

    def test_both_standards_fall_under_the_same_kind_of_activity(self) -> None:
        found = valid(submitted())
        assert kind_of(found, found["verb"]["id"]) == "assessment"
        in_xapi = {"object": {"id": QUIZ, "definition": {"type": "http://adlnet.gov/expapi/activities/assessment"}}}
        assert kind_of(in_xapi, "http://adlnet.gov/expapi/verbs/completed") == "assessment"


class TestAgents:
    @pytest.mark.parametrize(
        ("iri", "identifier"),
        [
            (STUDENT, ADA),
            ("http://a.example/7", {"account": {"homePage": "http://a.example", "name": "7"}}),
            ("mailto:ada@campus.example.edu", {"mbox": "mailto:ada@campus.example.edu"}),
            (
                "urn:uuid:21c3f9f2-a9ef-4f65-bf9a-0699ed85e2c7",
                {"openid": "urn:uuid:21c3f9f2-a9ef-4f65-bf9a-0699ed85e2c7"},
            ),
            ("https://a.example/users?id=7", {"openid": "https://a.example/users?id=7"}),
            ("https://a.example/users/", {"openid": "https://a.example/users/"}),
            ("https://ada.example.org", {"openid": "https://ada.example.org"}),
        ],
    )
    def test_the_identifier_follows_from_the_iri(self, iri: str, identifier: dict[str, Any]) -> None:
        assert identifier_of(iri) == identifier

    def test_a_student_of_this_installation_is_the_account_that_xapi_clients_name(self) -> None:
        named = {"account": {"homePage": "https://campus.example.edu", "name": "s1200345"}}
        assert key_of(identifier_of("https://campus.example.edu/s1200345")) == key_of(named)

    def test_different_iris_are_different_agents(self) -> None:
        iris = [
            *("https://a.example/b", "https://a.example//b", "https://a.example/b/", "http://a.example/b"),
            *("https://a.example/c/b", "https://a.example/b?c", "https://a.example/b#c", "https://a.example/%62"),
        ]
        assert len({key_of(identifier_of(iri)) for iri in iris}) == len(iris)

    def test_who_is_meant_does_not_depend_on_how_much_is_told(self) -> None:
        thin, thick = valid(submitted() | {"actor": STUDENT}), valid(submitted())
        named = valid(submitted() | {"actor": entity("Person", STUDENT, name="Ada")})
        assert key_of(thin["actor"]) == key_of(thick["actor"]) == key_of(named["actor"])
        assert named["actor"]["name"] == "Ada"

    def test_an_organisation_is_a_group(self) -> None:
        found = valid(event("Event", "Created", QUIZ, actor=entity("Organization", "faculties/science")))
        assert found["actor"]["objectType"] == "Group"

    def test_a_blank_node_is_somebody_in_its_event_alone(self) -> None:
        anonymous = {"id": "_:b0", "type": "Person"}
        first = valid(submitted() | {"actor": anonymous})
        second = valid(submitted() | {"actor": anonymous, "id": EVENT_ID[:-1] + "2"})
        assert first["actor"]["openid"] == f"{EVENT_ID}#b0"
        assert key_of(first["actor"]) != key_of(second["actor"])

    def test_a_person_as_object_is_an_agent(self) -> None:
        assert valid(EVERY_PROFILE["GeneralProfile"])["object"] == {
            "objectType": "Agent",
            "account": {"homePage": f"{CAMPUS}/people", "name": "friend"},
        }


class TestConcerned:
    def test_a_grade_is_about_whoever_made_the_attempt(self) -> None:
        context = valid(graded())["context"]
        assert context["contextAgents"] == [
            {
                "objectType": "contextAgent",
                "agent": {"objectType": "Agent", **ADA},
                "relevantTypes": [f"{CALIPER}/assignee"],
            }
        ]
        assert ids(context["contextActivities"]["parent"]) == [QUIZ]

    def test_a_session_that_ended_is_about_its_user(self) -> None:
        (concerned,) = valid(timed_out())["context"]["contextAgents"]
        assert concerned["agent"] == {"objectType": "Agent", **ADA}
        assert concerned["relevantTypes"] == [f"{CALIPER}/user"]

    def test_an_attempt_of_a_group_is_about_the_group(self) -> None:
        attempt = entity("Attempt", ATTEMPT, assignee=entity("Group", "teams/3"))
        (concerned,) = valid(graded() | {"object": attempt})["context"]["contextGroups"]
        assert concerned["group"]["account"]["name"] == "3"

    def test_nobody_is_named_twice(self) -> None:
        reviewed = event("Event", "Reviewed", entity("Attempt", ATTEMPT, assignee=STUDENT))
        assert "contextAgents" not in valid(reviewed)["context"]


class TestResult:
    def test_a_grade_has_its_score(self) -> None:
        assert valid(graded(scoreGiven=15.0, maxScore=20.0))["result"] == {
            "score": {"raw": 15.0, "min": 0, "max": 20.0, "scaled": 0.75}
        }

    @pytest.mark.parametrize(
        ("score", "told"),
        [
            ({"scoreGiven": 22, "maxScore": 20}, {"raw": 22}),
            ({"scoreGiven": -1, "maxScore": 20}, {"raw": -1}),
            ({"scoreGiven": 0, "maxScore": 0}, {"raw": 0}),
            ({"scoreGiven": 7}, {"raw": 7}),
            ({"scoreGiven": 10**400, "maxScore": 10**401}, {"raw": 10**400, "min": 0, "max": 10**401, "scaled": 0.1}),
        ],
    )
    def test_a_score_out_of_bounds_is_told_without_them(self, score: dict[str, Any], told: dict[str, Any]) -> None:
        assert valid(graded(**score))["result"]["score"] == told

    def test_a_grade_without_a_score_has_no_result(self) -> None:
        assert "result" not in valid(graded(maxScore=20))

    def test_the_time_of_an_attempt_counts_once(self) -> None:
        attempt = submitted()["generated"]
        quiz = entity("Assessment", QUIZ)
        for action in ("Started", "Paused", "Resumed"):
            assert "result" not in valid(event("AssessmentEvent", action, quiz, generated=attempt))
        assert "result" not in valid(graded() | {"object": attempt})
        assert valid(event("AssignableEvent", "Completed", quiz, generated=attempt))["result"] == {
            "completion": True,
            "duration": "PT12M30S",
        }

    def test_the_time_of_an_attempt_follows_from_its_ends(self) -> None:
        found = submitted()
        del found["generated"]["duration"]
        assert valid(found)["result"] == {"duration": "PT750S"}
        found["generated"]["startedAtTime"] = "2026-11-21T10:25:29.750Z"
        assert valid(found)["result"] == {"duration": "PT0.25S"}
        found["generated"]["startedAtTime"] = "2026-11-21T10:25:30Z"
        assert valid(found)["result"] == {"duration": "PT0S"}
        found["generated"]["startedAtTime"] = "2026-11-22T10:00:00Z"
        assert "result" not in valid(found)

    def test_the_time_of_a_session_counts_when_it_ends(self) -> None:
        assert valid(timed_out())["result"] == {"duration": "PT1H"}
        session = entity("Session", f"{TOOL}/sessions/5", duration="PT30M")
        tool = entity("SoftwareApplication", TOOL)
        assert valid(event("SessionEvent", "LoggedOut", tool, session=session))["result"] == {"duration": "PT30M"}
        assert "result" not in valid(event("SessionEvent", "LoggedIn", tool, session=session))
        assert "result" not in valid(event("ViewEvent", "Viewed", f"{CAMPUS}/notes/4", session=session))

    def test_the_length_of_a_video_is_no_time_spent(self) -> None:
        assert "result" not in valid(EVERY_PROFILE["MediaProfile"])

    def test_sums_over_weeks_are_no_time_spent(self) -> None:
        assert "result" not in valid(EVERY_PROFILE["ToolUseProfile"])

    def test_answers_and_comments_are_responses(self) -> None:
        assert valid(EVERY_PROFILE["SurveyProfile"])["result"] == {"completion": True, "response": "agree[,]often"}
        assert valid(EVERY_PROFILE["FeedbackProfile"])["result"] == {"response": "Clear and short."}


class TestActivities:
    def test_what_an_object_is_part_of_is_its_parent(self) -> None:
        (parent,) = valid(EVERY_PROFILE["AnnotationProfile"])["context"]["contextActivities"]["parent"]
        assert parent["definition"] == {"type": f"{CALIPER}/Chapter"}

    def test_what_is_only_named_is_told_by_descriptions_in_the_envelope(self) -> None:
        described = entity("Page", "notes/4", name="Membranes", description="How cells end", isPartOf=f"{CAMPUS}/notes")
        found = valid(EVERY_PROFILE["ReadingProfile"], described)
        assert found["object"]["definition"] == {
            "name": {"und": "Membranes"},
            "description": {"und": "How cells end"},
            "type": f"{CALIPER}/Page",
        }
        assert ids(found["context"]["contextActivities"]["parent"]) == [f"{CAMPUS}/notes"]

    def test_the_type_of_what_is_only_named_is_told_where_there_is_but_one(self) -> None:
        quiz = valid(submitted() | {"object": QUIZ})["object"]
        assert quiz["definition"] == {"type": f"{CALIPER}/Assessment"}
        assert "definition" not in valid(EVERY_PROFILE["ReadingProfile"])["object"]

    def test_groups_that_contain_each_other_come_to_an_end(self) -> None:
        inner = entity("CourseSection", SECTION, subOrganizationOf=COURSE)
        outer = entity("CourseOffering", COURSE, subOrganizationOf=SECTION)
        found = valid(submitted() | {"group": SECTION}, inner, outer)
        assert ids(found["context"]["contextActivities"]["grouping"]) == [SECTION, COURSE]

    def test_people_are_no_activities(self) -> None:
        found = valid(event("Event", "Shared", QUIZ, target=entity("Person", "people/friend")))
        assert "contextActivities" not in found["context"]


class TestDescription:
    @pytest.mark.parametrize("kind", sorted(ENTITIES))
    def test_of_each_type_gives_a_valid_statement(self, kind: str) -> None:
        described = {"@context": CONTEXT, **entity(kind, name="It")}
        found = description_of(described, SENDER, "sensor 1", "2026-11-21T10:26:00.000Z")
        assert checked(copy.deepcopy(found), Version.TWO) == found
        assert found["actor"] == SENDER
        assert found["verb"]["id"] == f"{CALIPER}/actions/Described"
        assert found["context"]["extensions"] == {ORIGINAL: described}

    def test_is_known_again_when_its_envelope_is_sent_again(self) -> None:
        page = {"@context": CONTEXT, **entity("Page", "notes/4")}
        first, second = statements_of(checked_envelope(envelope(page, page)), SENDER)
        assert [first, second] == statements_of(checked_envelope(envelope(page, page)), SENDER)
        assert first["id"] != second["id"]
        later = envelope(page, sendTime="2026-11-22T10:26:00.000Z")
        assert statements_of(checked_envelope(later), SENDER)[0]["id"] not in {first["id"], second["id"]}

    def test_of_a_blank_node_is_valid(self) -> None:
        item = {"@context": CONTEXT, "id": "_:b1", "type": "Page"}
        (found,) = statements_of(checked_envelope(envelope(item)), SENDER)
        checked(found, Version.TWO)


def test_statements_are_json() -> None:
    assert json.loads(json.dumps(statement_of(submitted()))) == statement_of(submitted())
