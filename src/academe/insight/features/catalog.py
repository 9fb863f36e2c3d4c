"""What every feature means, and which theme its contribution counts for. The order is the order of the columns.

Shares and ranks lie between 0 and 1. A rank is the share of the still-registered class that lies strictly below, so it
means the same in every offering. Empty values stay empty where "none yet" is no number (a mean score without scores).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Theme(StrEnum):
    """What a person would call a group of features; contributions are added up within it."""

    VISITS = "visits"
    AMOUNT = "amount"
    BREADTH = "breadth"
    KINDS = "kinds"
    RHYTHM = "rhythm"
    HANDED_IN = "handed_in"
    TIMELINESS = "timeliness"
    MARKS = "marks"
    START = "start"
    HISTORY = "history"
    STAGE = "stage"


THEME_LABELS: Final[Mapping[Theme, str]] = {
    Theme.VISITS: "Visits",
    Theme.AMOUNT: "Amount of work online",
    Theme.BREADTH: "Range of materials used",
    Theme.KINDS: "What was used",
    Theme.RHYTHM: "Rhythm over the weeks",
    Theme.HANDED_IN: "Coursework handed in",
    Theme.TIMELINESS: "Timeliness of coursework",
    Theme.MARKS: "Marks",
    Theme.START: "The start",
    Theme.HISTORY: "Study history and load",
    Theme.STAGE: "Stage of the offering",
}


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the feature statement: its name, its theme, and its meaning with the unit."""

    name: str
    theme: Theme
    meaning: str


def _features(theme: Theme, meanings: Mapping[str, str]) -> tuple[Feature, ...]:
    return tuple(Feature(name, theme, meaning) for name, meaning in meanings.items())


def _ranks(theme: Theme, *, suffix: str = "_rank", **meanings: str) -> tuple[Feature, ...]:
    return tuple(Feature(name + suffix, theme, f"Rank in the class by {meaning}") for name, meaning in meanings.items())


FEATURES: Final[tuple[Feature, ...]] = (
    *_features(
        Theme.STAGE,
        {
            "course_elapsed": "Share of the offering's days that have passed",
            "start_month": "Month in which the offering began, 1 to 12",
            "due_count": "Pieces of coursework due so far",
            "due_part": "Share of the coursework's weight due so far",
            "days_to_next": "Days until the next piece of coursework is due",
            "days_since_due": "Days since a piece of coursework was last due",
        },
    ),
    *_features(
        Theme.HISTORY,
        {
            "previous_attempts": "Earlier attempts at this unit, as the registrar counts them",
            "studied_credits": "Credits studied in all during the offering",
            "prior_education_level": "Highest level of education completed before, by ISCED 2011 (0 to 8)",
            "concurrent": "Other offerings the student is enrolled in on the day",
            "concurrent_withdrawn": "Offerings begun on the same day and left since",
            "earlier": "Offerings begun before this one",
            "earlier_lost": "Earlier offerings failed or left",
            "earlier_passed": "Earlier offerings passed",
            "earlier_distinction": "Earlier offerings passed with distinction",
            "same_unit_before": "Earlier enrolments in the same unit",
        },
    ),
    *_features(
        Theme.START,
        {
            "registered_day": "Day of registration, counted from the start of the offering (negative before it)",
            "days_before": "Days with a visit before the offering began",
        },
    ),
    *_ranks(
        Theme.START,
        registered="day of registration, later is higher",
        clicks_before="clicks before the offering began",
        sites_before="different materials used before the offering began",
        first_visit="how long ago the first visit was",
    ),
    *_features(
        Theme.VISITS,
        {
            "days_since_visit": "Days since the last visit; with no visit, the days so far and 60 more",
            "active_days": "Days with a visit since the offering began",
            "active_days_3": "Days with a visit among the last 3",
            "active_days_7": "Days with a visit among the last 7",
            "active_days_14": "Days with a visit among the last 14",
            "active_days_28": "Days with a visit among the last 28",
            "active_days_change": "Days with a visit among the last 14, less those among the 14 before",
            "longest_gap": "Longest stretch between two visits, or since the last, in days",
        },
    ),
    *_ranks(
        Theme.VISITS,
        days_since_visit="days since the last visit",
        active_days="days with a visit",
        active_days_7="days with a visit among the last 7",
        active_days_14="days with a visit among the last 14",
        active_days_28="days with a visit among the last 28",
    ),
    *_features(
        Theme.AMOUNT,
        {
            "clicks": "Clicks since the offering began",
            "clicks_14": "Clicks in the last 14 days",
            "clicks_per_day": "Clicks on a day with a visit",
            "effort_spread": "Standard deviation of the logarithm of a day's clicks",
            "clicks_14_change": "Rank by clicks of the last 14 days, less that of the 14 before",
        },
    ),
    *_ranks(
        Theme.AMOUNT,
        clicks="clicks",
        clicks_7="clicks in the last 7 days",
        clicks_14="clicks in the last 14 days",
        clicks_28="clicks in the last 28 days",
        effort="the sum of the logarithms of the days' clicks",
        effort_recent="the same sum with a day's weight halving in a week",
        clicks_per_day="clicks on a day with a visit",
    ),
    *_features(
        Theme.BREADTH,
        {
            "sites": "Different materials used so far",
            "novelty": "Different materials used, divided by materials used counted anew each day",
        },
    ),
    *_ranks(
        Theme.BREADTH,
        sites="different materials used",
        new_sites_7="materials used for the first time in the last 7 days",
        new_sites_14="materials used for the first time in the last 14 days",
        new_sites_28="materials used for the first time in the last 28 days",
        site_days="materials used, counted anew each day",
        site_days_14="materials used in the last 14 days, counted anew each day",
    ),
    *_ranks(
        Theme.KINDS,
        content="clicks on course content",
        content_28="clicks on course content in the last 28 days",
        resource="clicks on files",
        resource_28="clicks on files in the last 28 days",
        forum="clicks in forums",
        forum_28="clicks in forums in the last 28 days",
        quiz="clicks in quizzes",
        quiz_28="clicks in quizzes in the last 28 days",
        page="clicks on pages and links",
        page_28="clicks on pages and links in the last 28 days",
        homepage="clicks on the home page",
        homepage_28="clicks on the home page in the last 28 days",
        together="clicks in shared work (wikis, live rooms)",
        together_28="clicks in shared work in the last 28 days",
        quiz_days="days with quiz work",
        forum_days="days in forums",
        content_days="days with course content",
    ),
    *_features(
        Theme.KINDS,
        {
            "forum_part": "Share of the clicks that were in forums",
            "content_part": "Share of the clicks that were on course content",
            "quiz_part": "Share of the clicks that were in quizzes",
            "homepage_part": "Share of the clicks that were on the home page",
            "quiz_days": "Days with quiz work",
            "forum_days": "Days in forums",
            "content_days": "Days with course content",
        },
    ),
    *_features(
        Theme.RHYTHM,
        {
            "weeks_absent": "Weeks without a visit since the offering began",
            "weeks_absent_6": "Weeks without a visit among the last 6",
            "weeks_streak": "Weeks since the last week without a visit; 99 when there was none",
            "week_rank": "Mean over the weeks of the rank in the class by the week's clicks",
            "week_rank_3": "The same over the last 3 weeks",
            "week_rank_6": "The same over the last 6 weeks",
            "week_sites_rank": "Mean over the weeks of the rank by materials used in the week",
            "week_sites_rank_3": "The same over the last 3 weeks",
            "week_rank_worst_6": "Lowest weekly rank by clicks among the last 6 weeks",
            "week_rank_slope": "Change of the weekly rank by clicks per week (least squares)",
            "week_rank_spread": "Standard deviation of the weekly rank by clicks",
            "week_rank_0": "Rank by clicks in the last 7 days",
            "week_rank_1": "Rank by clicks in the 7 days before those",
            "week_rank_2": "Rank by clicks two weeks before the last",
            "week_rank_3ago": "Rank by clicks three weeks before the last",
        },
    ),
    *_features(
        Theme.HANDED_IN,
        {
            "missing_count": "Pieces of coursework due and not handed in",
            "missing_part": "Their share of the coursework's weight",
            "submitted_part": "Share of the coursework's weight handed in",
            "submitted_ahead": "Pieces handed in, less the mean of the class, both weighted by how many handed in each",
            "submitted_ahead_part": "Share of the coursework's weight handed in, less that of the class",
            "submitted_count": "Pieces of coursework handed in",
            "carried_over_count": "Pieces of coursework carried over from an earlier attempt",
            "last_assignment_submitted": "1 when the assignment due last was handed in",
            "next_assignment_submitted": "1 when the assignment due next is handed in already",
        },
    ),
    *_features(
        Theme.TIMELINESS,
        {
            "days_early": "Mean days between handing in and the due day (negative when late)",
            "days_early_min": "The smallest of those",
            "submitted_rank": "Mean rank in the class by the day of handing in, later is higher",
            "submitted_rank_last": "That rank for the assignment due last",
            "days_since_submission": "Days since anything was handed in",
        },
    ),
    *_features(
        Theme.MARKS,
        {
            "marked_count": "Pieces of coursework marked",
            "score_mean": "Mean score, weighted, 0 to 100",
            "score_rank": "Mean rank in the class by score, weighted",
            "score_rank_min": "Lowest rank by score",
            "score_rank_max": "Highest rank by score",
            "score_min": "Lowest score, 0 to 100",
            "score_last": "Score of the piece due last among those marked",
            "score_rank_last": "Its rank in the class",
            "score_rank_change": "That rank, less the mean of the ranks before",
            "assignment_rank": "Mean rank by score on assignments",
            "quiz_score_rank": "Mean rank by score on quizzes",
            "points_rank": "Rank by points collected",
            "points": "Points collected, of the coursework's whole, 0 to 100",
            "score_with_missing": "Mean score when what is due and missing counts as zero, 0 to 100",
        },
    ),
)

FEATURE_NAMES: Final[tuple[str, ...]] = tuple(feature.name for feature in FEATURES)

THEME_OF: Final[Mapping[str, Theme]] = {feature.name: feature.theme for feature in FEATURES}
