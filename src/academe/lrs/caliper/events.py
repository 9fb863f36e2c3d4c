"""What each type of event may hold (Caliper 1.2, the sections on events)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from academe.lrs.caliper.vocabulary import ACTIONS

_ANY: Final = ("Entity",)
_RESOURCE: Final = ("DigitalResource",)
_RESOURCE_OR_TOOL: Final = ("DigitalResource", "SoftwareApplication")


@dataclass(frozen=True, slots=True)
class EventRule:
    """The actions of a type of event, and the types of the entities in it; more special ones are allowed too."""

    actions: frozenset[str]
    object: tuple[str, ...]
    actor: tuple[str, ...] = ("Person",)
    target: tuple[str, ...] = _ANY
    generated: tuple[str, ...] = _ANY
    referrer: tuple[str, ...] = _ANY


RULES: Final[Mapping[str, EventRule]] = {
    "Event": EventRule(ACTIONS, _ANY, actor=("Agent",)),
    "AnnotationEvent": EventRule(
        frozenset(("Bookmarked", "Highlighted", "Shared", "Tagged")),
        _RESOURCE,
        target=("Frame",),
        generated=("Annotation",),
    ),
    "AssessmentEvent": EventRule(
        frozenset(("Started", "Paused", "Resumed", "Restarted", "Reset", "Submitted")),
        ("Assessment",),
        generated=("Attempt",),
    ),
    "AssessmentItemEvent": EventRule(
        frozenset(("Started", "Skipped", "Completed")),
        ("AssessmentItem",),
        generated=("Response",),
        referrer=("AssessmentItem",),
    ),
    "AssignableEvent": EventRule(
        frozenset(("Activated", "Deactivated", "Started", "Completed", "Submitted", "Reviewed")),
        ("AssignableDigitalResource",),
        target=("Frame",),
        generated=("Attempt",),
    ),
    "FeedbackEvent": EventRule(
        frozenset(("Commented", "Ranked")), _ANY, target=("Frame",), generated=("Comment", "Rating")
    ),
    "ForumEvent": EventRule(frozenset(("Subscribed", "Unsubscribed")), ("Forum",)),
    "GradeEvent": EventRule(frozenset(("Graded",)), ("Attempt",), actor=("Agent",), generated=("Score",)),
    "MediaEvent": EventRule(
        frozenset(
            (
                *("Started", "Ended", "Paused", "Resumed", "Restarted", "ForwardedTo", "JumpedTo"),
                *("ChangedResolution", "ChangedSize", "ChangedSpeed", "ChangedVolume", "Muted", "Unmuted"),
                *("EnabledClosedCaptioning", "DisabledClosedCaptioning", "EnteredFullScreen", "ExitedFullScreen"),
                *("OpenedPopout", "ClosedPopout"),
            )
        ),
        ("MediaObject",),
        target=("MediaLocation",),
    ),
    "MessageEvent": EventRule(frozenset(("MarkedAsRead", "MarkedAsUnread", "Posted")), ("Message",)),
    "NavigationEvent": EventRule(
        frozenset(("NavigatedTo",)), _RESOURCE_OR_TOOL, target=_RESOURCE, referrer=_RESOURCE_OR_TOOL
    ),
    "QuestionnaireEvent": EventRule(frozenset(("Started", "Submitted")), ("Questionnaire",)),
    "QuestionnaireItemEvent": EventRule(
        frozenset(("Started", "Skipped", "Completed")), ("QuestionnaireItem",), generated=("Response",)
    ),
    "ResourceManagementEvent": EventRule(
        frozenset(
            (
                *("Archived", "Copied", "Created", "Deleted", "Described", "Downloaded", "Modified", "Printed"),
                *("Published", "Restored", "Retrieved", "Saved", "Unpublished", "Uploaded"),
            )
        ),
        _RESOURCE,
        generated=_RESOURCE,
    ),
    "SearchEvent": EventRule(frozenset(("Searched",)), _ANY, generated=("SearchResponse",)),
    "SessionEvent": EventRule(
        frozenset(("LoggedIn", "LoggedOut")), ("SoftwareApplication",), target=_RESOURCE, referrer=_RESOURCE_OR_TOOL
    ),
    "SurveyEvent": EventRule(frozenset(("OptedIn", "OptedOut")), ("Survey",)),
    "SurveyInvitationEvent": EventRule(frozenset(("Accepted", "Declined", "Sent")), ("SurveyInvitation",)),
    "ThreadEvent": EventRule(frozenset(("MarkedAsRead", "MarkedAsUnread")), ("Thread",)),
    "ToolLaunchEvent": EventRule(
        frozenset(("Launched", "Returned")), ("SoftwareApplication",), target=("Link",), generated=_RESOURCE
    ),
    "ToolUseEvent": EventRule(
        frozenset(("Used",)),
        ("SoftwareApplication",),
        target=("SoftwareApplication",),
        generated=("AggregateMeasureCollection",),
    ),
    "ViewEvent": EventRule(frozenset(("Viewed",)), _RESOURCE),
}
"""The rule of each type of event, but for the actions in `SPECIAL`."""

SPECIAL: Final[Mapping[tuple[str, str], EventRule]] = {
    # The tool ends the session, not the person.
    ("SessionEvent", "TimedOut"): EventRule(
        frozenset(("TimedOut",)),
        ("Session",),
        actor=("SoftwareApplication",),
        target=_RESOURCE,
        referrer=_RESOURCE_OR_TOOL,
    ),
    # Only what is completed has a response.
    ("AssessmentItemEvent", "Started"): EventRule(
        frozenset(("Started",)),
        ("AssessmentItem",),
        generated=("Attempt", "Response"),
        referrer=("AssessmentItem",),
    ),
    ("FeedbackEvent", "Commented"): EventRule(
        frozenset(("Commented",)), _ANY, target=("Frame",), generated=("Comment",)
    ),
    ("FeedbackEvent", "Ranked"): EventRule(frozenset(("Ranked",)), _ANY, target=("Frame",), generated=("Rating",)),
}
"""Actions with a rule of their own, by the type of event."""

DEMANDED: Final[Mapping[tuple[str, str], str]] = {
    ("ResourceManagementEvent", "Copied"): "generated",
    ("ToolLaunchEvent", "Launched"): "federatedSession",
}
"""The property that an action demands beside those of every event."""

OF_EVERY_EVENT: Final[Mapping[str, str]] = {
    "edApp": "SoftwareApplication",
    "group": "Organization",
    "membership": "Membership",
    "session": "Session",
    "federatedSession": "LtiSession",
}
"""Properties of every event whose value is an entity, with its type."""


def rule_of(event: str, action: str) -> EventRule:
    """The rule of a known type of event for an action, which may not be one of its actions."""
    return SPECIAL.get((event, action), RULES[event])
