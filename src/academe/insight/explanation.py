"""Contributions in plain sentences: what was seen, in the student's own figures, beside those of the class.

A sentence states facts and compares; it gives no advice and no cause. Whether it raises or lowers the probability is
the contribution's sign, shown beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypedDict

from academe.academics.types import EDUCATION_LEVELS
from academe.insight.features.catalog import THEME_LABELS, Theme

Row = Mapping[str, float | None]
Sentence = Callable[[Row, Row], str]


class Factor(TypedDict):
    """One part of a score, as kept in `RiskScore.factors`; contributions are in calibrated log-odds."""

    theme: str
    label: str
    contribution: float
    sentence: str
    raises: bool


BASELINE: Final = "baseline"


def factors_of(row: Row, middle: Row, themes: Sequence[Theme], contributions: Sequence[float]) -> list[Factor]:
    """The factors of one score, largest first: `row` the student's features, `middle` the medians of the class."""
    made = [
        Factor(
            theme=theme.value,
            label=THEME_LABELS[theme],
            contribution=round(contribution, 6),
            sentence=SENTENCES[theme](row, middle),
            raises=contribution > 0,
        )
        for theme, contribution in zip(themes, contributions, strict=True)
    ]
    return sorted(made, key=lambda factor: -abs(factor["contribution"]))


def baseline_factor(contribution: float) -> Factor:
    """What the model says of anyone before looking: the part of the score that belongs to no theme."""
    return Factor(
        theme=BASELINE,
        label="Where everyone starts",
        contribution=round(contribution, 6),
        sentence="The probability the model begins with, before it looks at this student.",
        raises=contribution > 0,
    )


def _count(value: float | None, one: str, many: str) -> str:
    number = round(value or 0)
    return f"{number:,} {one if number == 1 else many}"


def _share(value: float | None) -> str:
    return f"{round(100 * (value or 0))} %"


def _visits(row: Row, middle: Row) -> str:
    if not row["active_days"] and not row["days_before"]:
        return "No visit to the offering so far."
    days = round(row["days_since_visit"] or 0)
    last = "Visited on the day itself" if days == 0 else f"Last visit {_count(days, 'day', 'days')} before"
    return (
        f"{last}; visits on {round(row['active_days_14'] or 0)} of the last 14 days"
        f" (middle of the class: {round(middle['active_days_14'] or 0)})."
    )


def _amount(row: Row, middle: Row) -> str:
    return (
        f"{_count(row['clicks_14'], 'click', 'clicks')} in the last 14 days"
        f" (middle of the class: {round(middle['clicks_14'] or 0):,});"
        f" more than {_share(row['clicks_rank'])} of the class since the start."
    )


def _breadth(row: Row, middle: Row) -> str:
    return (
        f"{_count(row['sites'], 'material', 'different materials')} used so far"
        f" (middle of the class: {round(middle['sites'] or 0)})."
    )


def _kinds(row: Row, middle: Row) -> str:
    return (
        f"Course content on {_count(row['content_days'], 'day', 'days')}, forums on {round(row['forum_days'] or 0)},"
        f" quizzes on {round(row['quiz_days'] or 0)} (middle of the class: {round(middle['content_days'] or 0)},"
        f" {round(middle['forum_days'] or 0)} and {round(middle['quiz_days'] or 0)})."
    )


def _rhythm(row: Row, _middle: Row) -> str:
    absent = round(row["weeks_absent"] or 0)
    quiet = "No week without a visit" if absent == 0 else f"{_count(absent, 'week', 'weeks')} without a visit"
    slope = row["week_rank_slope"] or 0
    course = "falling" if slope < -0.01 else "rising" if slope > 0.01 else "steady"
    return f"{quiet} since the start; activity compared with the class is {course}."


def _handed_in(row: Row, _middle: Row) -> str:
    due, missing = round(row["due_count"] or 0), round(row["missing_count"] or 0)
    if due == 0:
        handed = round(row["submitted_count"] or 0)
        return "Nothing was due yet." if handed == 0 else f"Nothing was due yet; {handed} handed in already."
    if missing <= 0:
        return "The one piece of coursework due is handed in." if due == 1 else f"All {due} pieces due are handed in."
    return f"{missing} of {_count(due, 'piece', 'pieces')} of coursework due not handed in."


def _timeliness(row: Row, _middle: Row) -> str:
    early = row["days_early"]
    if early is None:
        return "Nothing handed in yet whose timing could be compared."
    days = round(abs(early))
    when = "on the due day" if days == 0 else f"{_count(days, 'day', 'days')} {'before' if early > 0 else 'after'} it"
    return f"Hands in {when} on average; later than {_share(row['submitted_rank'])} of the class."


def _marks(row: Row, middle: Row) -> str:
    score = row["score_mean"]
    if score is None:
        return "No mark is known yet."
    of_class = middle["score_mean"]
    beside = "" if of_class is None else f" (middle of the class: {round(of_class)})"
    return f"Mean score {round(score)}{beside} over {_count(row['marked_count'], 'marked piece', 'marked pieces')}."


def _start(row: Row, _middle: Row) -> str:
    day = row["registered_day"]
    registered = (
        "Day of registration not known"
        if day is None
        else f"Registered {_count(abs(day), 'day', 'days')} {'before' if day <= 0 else 'after'} the start"
    )
    return f"{registered}; {_count(row['days_before'], 'day', 'days')} with a visit before the start."


def _history(row: Row, _middle: Row) -> str:
    attempts = round(row["previous_attempts"] or 0)
    earlier = "First attempt at this unit" if attempts == 0 else _count(attempts, "earlier attempt", "earlier attempts")
    studied = row["studied_credits"]
    load = "" if studied is None else f"; {round(studied)} credits studied at the time"
    level = row["prior_education_level"]
    known = None if level is None else EDUCATION_LEVELS.get(round(level))
    education = "" if known is None else f"; {known} before"
    lost = round(row["earlier_lost"] or 0)
    past = f"; {_count(lost, 'earlier offering', 'earlier offerings')} failed or left" if lost else ""
    return f"{earlier}{load}{education}{past}."


def _stage(row: Row, _middle: Row) -> str:
    return (
        f"{_share(row['course_elapsed'])} of the offering has passed,"
        f" with {_count(row['due_count'], 'piece', 'pieces')} of coursework due so far."
    )


SENTENCES: Final[Mapping[Theme, Sentence]] = {
    Theme.VISITS: _visits,
    Theme.AMOUNT: _amount,
    Theme.BREADTH: _breadth,
    Theme.KINDS: _kinds,
    Theme.RHYTHM: _rhythm,
    Theme.HANDED_IN: _handed_in,
    Theme.TIMELINESS: _timeliness,
    Theme.MARKS: _marks,
    Theme.START: _start,
    Theme.HISTORY: _history,
    Theme.STAGE: _stage,
}
