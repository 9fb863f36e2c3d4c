"""The terms of Caliper 1.2 and what they stand for (the specification's JSON-LD context and its sections on entities).

1.1 is read too: 1.2 only added to it, and many sensors still speak it.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

NAMESPACE: Final = "http://purl.imsglobal.org/caliper/"
"""Where the terms are defined: an entity of type Page is of the type `…/caliper/Page`."""

VERSIONS: Final = ("http://purl.imsglobal.org/ctx/caliper/v1p2", "http://purl.imsglobal.org/ctx/caliper/v1p1")
"""The contexts that name the versions read here, the newest first."""

is_version = re.compile(
    r"https?://purl\.imsglobal\.org/ctx/caliper/v1p(?:2|1(?:/[A-Za-z]+Profile-extension)?)/?"
).fullmatch
"""One of the versions, perhaps with an extension that was published for 1.1 and is part of 1.2."""

PROFILES: Final = frozenset(
    f"{name}Profile"
    for name in (
        *("Annotation", "Assessment", "Assignable", "Feedback", "Forum", "General", "Grading", "Media", "Reading"),
        *("ResourceManagement", "Search", "Session", "Survey", "ToolLaunch", "ToolUse"),
    )
)

ACTIONS: Final = frozenset(
    (
        *("Abandoned", "Accepted", "Activated", "Added", "Archived", "Attached", "Bookmarked", "ChangedResolution"),
        *("ChangedSize", "ChangedSpeed", "ChangedVolume", "Classified", "ClosedPopout", "Commented", "Completed"),
        *("Copied", "Created", "Deactivated", "Declined", "Deleted", "Described", "DisabledClosedCaptioning"),
        *("Disliked", "Downloaded", "EnabledClosedCaptioning", "Ended", "EnteredFullScreen", "ExitedFullScreen"),
        *("ForwardedTo", "Graded", "Hid", "Highlighted", "Identified", "JumpedTo", "Launched", "Liked", "Linked"),
        *("LoggedIn", "LoggedOut", "MarkedAsRead", "MarkedAsUnread", "Modified", "Muted", "NavigatedTo"),
        *("OpenedPopout", "OptedIn", "OptedOut", "Paused", "Posted", "Printed", "Published", "Questioned", "Ranked"),
        *("Recommended", "Removed", "Reset", "Restarted", "Restored", "Resumed", "Retrieved", "Returned", "Reviewed"),
        *("Rewound", "Saved", "Searched", "Sent", "Shared", "Showed", "Skipped", "Started", "Submitted", "Subscribed"),
        *("Tagged", "TimedOut", "Unmuted", "Unpublished", "Unsubscribed", "Uploaded", "Used", "Viewed"),
    )
)

_ACTION_NAMESPACE: Final = f"{NAMESPACE}actions/"
# The tables of events write this one in another case than the list of actions does.
_SPELLINGS: Final = {"MarkedAsUnRead": "MarkedAsUnread"}

# Each line: what the entities are, and their terms. A term behind another one has that one's parents before it.
_SUBTYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "Entity": (
        *("Agent", "AggregateMeasure", "Annotation", "Attempt", "Collection", "Comment", "DigitalResource"),
        *("LearningObjective", "Link", "Membership", "Query", "Rating", "Response", "Result", "Scale", "Score"),
        *("SearchResponse", "Session"),
    ),
    "Agent": ("Organization", "Person", "SoftwareApplication"),
    "Organization": ("CourseOffering", "Group"),
    "CourseOffering": ("CourseSection",),
    "Annotation": ("BookmarkAnnotation", "HighlightAnnotation", "SharedAnnotation", "TagAnnotation"),
    "Collection": ("AggregateMeasureCollection", "DigitalResourceCollection", "Survey"),
    "DigitalResource": (
        *("AssignableDigitalResource", "Chapter", "DigitalResourceCollection", "Document", "Frame", "LtiLink"),
        *("MediaLocation", "MediaObject", "Message", "Page", "Question", "QuestionnaireItem", "SurveyInvitation"),
        *("WebPage", "EpubChapter", "EpubPart", "EpubSubChapter", "EpubVolume", "Reading"),
    ),
    "DigitalResourceCollection": ("Assessment", "Forum", "Questionnaire", "Thread"),
    "AssignableDigitalResource": ("Assessment", "AssessmentItem"),
    "Link": ("LtiLink",),
    "MediaObject": ("AudioObject", "ImageObject", "VideoObject"),
    "Question": ("DateTimeQuestion", "MultiselectQuestion", "OpenEndedQuestion", "RatingScaleQuestion"),
    "Response": (
        *("DateTimeResponse", "FillinBlankResponse", "MultipleChoiceResponse", "MultipleResponseResponse"),
        *("MultiselectResponse", "OpenEndedResponse", "RatingScaleResponse", "SelectTextResponse", "TrueFalseResponse"),
    ),
    "Scale": ("LikertScale", "MultiselectScale", "NumericScale"),
    "Session": ("LtiSession",),
}

ENTITIES: Final = frozenset({"Entity"}.union(*_SUBTYPES.values()))
"""Every type of entity."""


@cache
def subtypes_of(kind: str) -> frozenset[str]:
    """A type of entity and all that are more special."""
    return frozenset({kind}.union(*(subtypes_of(each) for each in _SUBTYPES.get(kind, ()))))


def is_most_special(kind: str) -> bool:
    """Whether no type of entity is more special than this one."""
    return kind not in _SUBTYPES


def type_iri(term: str) -> str:
    """The IRI of a type of entity or of a property."""
    return NAMESPACE + term


def profile_iri(profile: str) -> str:
    """The IRI of a profile."""
    return f"{NAMESPACE}profiles/{profile}"


def action_iri(action: str) -> str:
    """The IRI of an action."""
    return _ACTION_NAMESPACE + action


def action_of(text: str) -> str | None:
    """The action that a term or an IRI names; None when there is no such action."""
    term = text.removeprefix(_ACTION_NAMESPACE).removeprefix("caliper:actions/")
    term = _SPELLINGS.get(term, term)
    return term if term in ACTIONS else None


def words_of(term: str) -> str:
    """A term as people write it: `NavigatedTo` is "navigated to"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", term).lower()


ENTITY_PROPERTIES: Final[Mapping[str, str]] = {
    "annotated": "DigitalResource",
    "annotator": "Person",
    "assignable": "DigitalResource",
    "assignee": "Agent",
    "attempt": "Attempt",
    "client": "SoftwareApplication",
    "commentedOn": "Entity",
    "commenter": "Person",
    "creator": "Person",
    "isPartOf": "Entity",
    "member": "Agent",
    "organization": "Organization",
    "query": "Query",
    "question": "Question",
    "rated": "Entity",
    "rater": "Person",
    "ratingComment": "Comment",
    "replyTo": "Message",
    "scale": "Scale",
    "scoredBy": "Agent",
    "searchProvider": "SoftwareApplication",
    "searchTarget": "Entity",
    "source": "SoftwareApplication",
    "subOrganizationOf": "Organization",
    "survey": "Survey",
    "user": "Person",
}
"""Properties of entities whose value is an entity, with the most general type it may have."""

LISTS_OF_ENTITIES: Final[Mapping[str, str]] = {
    "attachments": "DigitalResource",
    "creators": "Agent",
    "learningObjectives": "LearningObjective",
    "members": "Agent",
    "withAgents": "Agent",
}

ITEMS: Final[Mapping[str, str]] = {
    "AggregateMeasureCollection": "AggregateMeasure",
    "Assessment": "AssessmentItem",
    "DigitalResourceCollection": "DigitalResource",
    "Forum": "Thread",
    "Questionnaire": "QuestionnaireItem",
    "Survey": "Questionnaire",
    "Thread": "Message",
}
"""The type of the `items` of collections; others hold any entity."""

LISTS_OF_TEXTS: Final = frozenset(("itemLabels", "itemValues", "keywords", "roles", "selections", "tags", "values"))

TEXTS: Final = frozenset(
    (
        *("academicSession", "body", "bookmarkNotes", "category", "comment", "courseNumber", "description", "host"),
        *("identifier", "identifierType", "ipAddress", "maxLabel", "mediaType", "messageType", "metric", "minLabel"),
        *("name", "questionPosed", "searchTerms", "selectionText", "status", "storageName", "userAgent", "value"),
        *("version", "volumeLevel", "volumeMax", "volumeMin"),
    )
)
TIMES: Final = frozenset(
    (
        *("dateCreated", "dateModified", "datePublished", "dateSent", "dateTimeSelected", "dateToActivate"),
        *("dateToShow", "dateToStartOn", "dateToSubmit", "endedAtTime", "maxDateTime", "minDateTime", "startedAtTime"),
    )
)
DURATIONS: Final = frozenset(("currentTime", "duration"))
WHOLE_NUMBERS: Final = frozenset(
    (
        *("count", "end", "index", "maxAttempts", "maxSelections", "maxSubmits", "minSelections", "points"),
        *("scalePoints", "searchResultsItemCount", "sentCount", "start"),
    )
)
NUMBERS: Final = frozenset(
    (
        *("maxMetricValue", "maxResultScore", "maxScore", "maxValue", "metricValue", "minValue", "resultScore"),
        *("scoreGiven", "step", "weight"),
    )
)
TRUTHS: Final = frozenset(("isOrderedSelection", "isTimeDependent", "muted"))
