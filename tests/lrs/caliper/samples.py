"""Events of every profile, as sensors of a campus send them."""

from typing import Any, Final

CONTEXT: Final = "http://purl.imsglobal.org/ctx/caliper/v1p2"
CAMPUS: Final = "https://campus.example.edu"
TOOL: Final = "https://tools.example.org/quiz"
STUDENT: Final = f"{CAMPUS}/people/s1200345"
COURSE: Final = f"{CAMPUS}/offerings/bio101-2026s2"
SECTION: Final = f"{COURSE}/groups/tuesday"
QUIZ: Final = f"{TOOL}/quizzes/9"
ATTEMPT: Final = f"{QUIZ}/attempts/31"
EVENT_ID: Final = "urn:uuid:0b9c7fd2-3f3e-4e0b-8f2a-6b1d1f0c7a11"

SENDER: Final = {"objectType": "Agent", "account": {"homePage": CAMPUS, "name": "quiz-tool"}}


def entity(kind: str, path: str = "", **properties: Any) -> dict[str, Any]:
    """An entity written out; `path` is an IRI or a path on the campus."""
    iri = path if ":" in path else f"{CAMPUS}/{path or kind.lower()}"
    return {"id": iri, "type": kind, **properties}


def event(kind: str, action: str, about: Any, **properties: Any) -> dict[str, Any]:
    """An event of the student with what every event must have."""
    return {
        "@context": CONTEXT,
        "id": EVENT_ID,
        "type": kind,
        "actor": entity("Person", STUDENT),
        "action": action,
        "object": about,
        "eventTime": "2026-11-21T10:25:30.000Z",
        **properties,
    }


def envelope(*data: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """An envelope of a sensor."""
    return {
        "sensor": f"{TOOL}/sensor",
        "sendTime": "2026-11-21T10:26:00.000Z",
        "dataVersion": CONTEXT,
        "data": list(data),
        **properties,
    }


def submitted() -> dict[str, Any]:
    """A quiz handed in, with all that a thorough sensor tells."""
    return event(
        "AssessmentEvent",
        "Submitted",
        entity("Assessment", QUIZ, name="Cells and tissues", maxScore=20.0, maxAttempts=2),
        profile="AssessmentProfile",
        generated=entity(
            "Attempt",
            ATTEMPT,
            assignee=STUDENT,
            assignable=QUIZ,
            count=1,
            startedAtTime="2026-11-21T10:13:00.000Z",
            endedAtTime="2026-11-21T10:25:30.000Z",
            duration="PT12M30S",
        ),
        edApp=entity("SoftwareApplication", TOOL, version="4.1"),
        group=entity(
            "CourseSection",
            SECTION,
            name="Tuesday group",
            subOrganizationOf=entity("CourseOffering", COURSE, courseNumber="BIO101"),
        ),
        membership=entity(
            "Membership", f"{SECTION}/members/7", member=STUDENT, organization=SECTION, roles=["Learner"]
        ),
        session=entity("Session", f"{TOOL}/sessions/5", startedAtTime="2026-11-21T10:00:00.000Z"),
        extensions={"com.example.tool": {"browser": "no secret", "flags": [1, None, True]}},
    )


def graded(**score: Any) -> dict[str, Any]:
    """The attempt graded by the tool."""
    return event(
        "GradeEvent",
        "Graded",
        entity("Attempt", ATTEMPT, assignee=entity("Person", STUDENT), assignable=entity("Assessment", QUIZ), count=1),
        actor=entity("SoftwareApplication", f"{TOOL}/grader"),
        profile="GradingProfile",
        generated=entity("Score", f"{ATTEMPT}/score", attempt=ATTEMPT, scoredBy=f"{TOOL}/grader", **score),
    )


def timed_out() -> dict[str, Any]:
    """A session that the tool ended."""
    return event(
        "SessionEvent",
        "TimedOut",
        entity("Session", f"{TOOL}/sessions/5", user=entity("Person", STUDENT), duration="PT1H"),
        actor=entity("SoftwareApplication", TOOL),
        profile="SessionProfile",
    )


_PAGE: Final = entity("Page", "notes/4", name="Membranes", isPartOf=entity("Chapter", "notes"))
_VIDEO: Final = entity("VideoObject", "videos/3", duration="PT20M20S", mediaType="video/webm")
_FORUM: Final = entity("Forum", "forums/1", name="Questions")
_SURVEY: Final = entity("Survey", "surveys/mid-term")
_TOOL: Final = entity("SoftwareApplication", TOOL)

EVERY_PROFILE: Final[dict[str, dict[str, Any]]] = {
    "AnnotationProfile": event(
        "AnnotationEvent",
        "Highlighted",
        _PAGE,
        generated=entity(
            "HighlightAnnotation",
            "notes/4/highlights/1",
            annotator=STUDENT,
            annotated=_PAGE["id"],
            selection={"type": "TextPositionSelector", "start": 120, "end": 188},
            selectionText="A membrane is",
        ),
    ),
    "AssessmentProfile": submitted(),
    "AssignableProfile": event(
        "AssignableEvent",
        "Started",
        entity("AssignableDigitalResource", "essays/2", dateToSubmit="2026-12-01T12:00:00Z"),
    ),
    "FeedbackProfile": event(
        "FeedbackEvent",
        "Commented",
        entity("Document", "handouts/1"),
        generated=entity("Comment", "handouts/1/comments/8", commenter=STUDENT, value="Clear and short."),
    ),
    "ForumProfile": event(
        "MessageEvent",
        "Posted",
        entity("Message", "forums/1/messages/77", body="Why?", isPartOf=entity("Thread", "forums/1/threads/5")),
    ),
    "GeneralProfile": event("Event", "Added", entity("Person", "people/friend")),
    "GradingProfile": graded(scoreGiven=15.0, maxScore=20.0),
    "MediaProfile": event(
        "MediaEvent", "Paused", _VIDEO, target=entity("MediaLocation", "videos/3?t=80", currentTime="PT1M20S")
    ),
    "ReadingProfile": event("NavigationEvent", "NavigatedTo", _PAGE["id"], referrer=f"{CAMPUS}/notes/3", edApp=CAMPUS),
    "ResourceManagementProfile": event(
        "ResourceManagementEvent", "Copied", entity("Document", "a"), generated=entity("Document", "b")
    ),
    "SearchProfile": event(
        "SearchEvent",
        "Searched",
        entity("SoftwareApplication", "library"),
        generated=entity(
            "SearchResponse",
            "library?q=cells",
            searchProvider=f"{CAMPUS}/library",
            query=entity("Query", "library/queries/1", creator=STUDENT, searchTerms="cells"),
            searchResultsItemCount=3,
        ),
    ),
    "SessionProfile": timed_out(),
    "SurveyProfile": event(
        "QuestionnaireItemEvent",
        "Completed",
        entity("QuestionnaireItem", "surveys/mid-term/items/1"),
        generated=entity("RatingScaleResponse", "surveys/mid-term/responses/1", selections=["agree", "often"]),
    ),
    "ToolLaunchProfile": event(
        "ToolLaunchEvent",
        "Launched",
        _TOOL,
        target=entity("LtiLink", f"{TOOL}/launch", messageType="LtiResourceLinkRequest"),
        federatedSession=entity("LtiSession", "lti/sessions/1", user=STUDENT, messageParameters={"iss": CAMPUS}),
    ),
    "ToolUseProfile": event(
        "ToolUseEvent",
        "Used",
        _TOOL,
        generated=entity(
            "AggregateMeasureCollection",
            "measures/1",
            items=[entity("AggregateMeasure", "measures/1/1", metric="MinutesOnTask", metricValue=873.0)],
        ),
    ),
}
"""One event of each profile."""

for _name, _event in EVERY_PROFILE.items():
    _event["profile"] = _name
