"""Sentences beside contributions: right about one and many, and never at a loss for words."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from academe.insight.explanation import BASELINE, SENTENCES, Row, baseline_factor, factors_of
from academe.insight.features.catalog import FEATURE_NAMES, THEME_LABELS, Theme

NOTHING: Final[dict[str, float | None]] = dict.fromkeys(FEATURE_NAMES)
ZERO: Final[dict[str, float | None]] = dict.fromkeys(FEATURE_NAMES, 0.0)


def said(theme: Theme, *, middle: Row = ZERO, **features: float | None) -> str:
    return SENTENCES[theme](ZERO | features, middle)


def test_every_theme_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Theme) == set(THEME_LABELS)


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("row", [NOTHING, ZERO], ids=["nothing known", "all zero"])
@pytest.mark.parametrize("middle", [NOTHING, ZERO], ids=["no class", "class of zeros"])
def test_there_is_always_something_to_say(theme: Theme, row: Row, middle: Row) -> None:
    sentence = SENTENCES[theme](row, middle)
    assert sentence.endswith(".")
    assert "None" not in sentence
    assert "nan" not in sentence


numbers = st.none() | st.floats(-1000, 100_000, width=32)


@settings(max_examples=25, deadline=None)
@given(values=st.lists(numbers, min_size=2 * len(FEATURE_NAMES), max_size=2 * len(FEATURE_NAMES)))
def test_no_row_is_too_odd_for_a_sentence(values: list[float | None]) -> None:
    row = dict(zip(FEATURE_NAMES, values, strict=False))
    middle = dict(zip(FEATURE_NAMES, values[len(FEATURE_NAMES) :], strict=True))
    for factor in factors_of(row, middle, tuple(Theme), [0.1] * len(Theme)):
        assert factor["sentence"].endswith(".")


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (said(Theme.VISITS), "No visit to the offering so far."),
        (
            said(Theme.VISITS, days_before=1, days_since_visit=1, middle=ZERO | {"active_days_14": 9}),
            "Last visit 1 day before; visits on 0 of the last 14 days (middle of the class: 9).",
        ),
        (
            said(Theme.VISITS, active_days=5, days_since_visit=0, active_days_14=3),
            "Visited on the day itself; visits on 3 of the last 14 days (middle of the class: 0).",
        ),
        (
            said(Theme.AMOUNT, clicks_14=1, clicks_rank=0.126, middle=ZERO | {"clicks_14": 1234}),
            "1 click in the last 14 days (middle of the class: 1,234); more than 13 % of the class since the start.",
        ),
        (said(Theme.BREADTH, sites=1), "1 material used so far (middle of the class: 0)."),
        (said(Theme.BREADTH, sites=2), "2 different materials used so far (middle of the class: 0)."),
        (
            said(Theme.KINDS, content_days=1, forum_days=2),
            "Course content on 1 day, forums on 2, quizzes on 0 (middle of the class: 0, 0 and 0).",
        ),
        (
            said(Theme.RHYTHM),
            "No week without a visit since the start; activity compared with the class is steady.",
        ),
        (
            said(Theme.RHYTHM, weeks_absent=1, week_rank_slope=-0.2),
            "1 week without a visit since the start; activity compared with the class is falling.",
        ),
        (
            said(Theme.RHYTHM, weeks_absent=2, week_rank_slope=0.2),
            "2 weeks without a visit since the start; activity compared with the class is rising.",
        ),
        (said(Theme.HANDED_IN), "Nothing was due yet."),
        (said(Theme.HANDED_IN, submitted_count=1), "Nothing was due yet; 1 handed in already."),
        (said(Theme.HANDED_IN, due_count=1), "The one piece of coursework due is handed in."),
        (said(Theme.HANDED_IN, due_count=3), "All 3 pieces due are handed in."),
        (said(Theme.HANDED_IN, due_count=1, missing_count=1), "1 of 1 piece of coursework due not handed in."),
        (said(Theme.HANDED_IN, due_count=4, missing_count=2), "2 of 4 pieces of coursework due not handed in."),
        (said(Theme.TIMELINESS, days_early=None), "Nothing handed in yet whose timing could be compared."),
        (
            said(Theme.TIMELINESS, days_early=0.2),
            "Hands in on the due day on average; later than 0 % of the class.",
        ),
        (
            said(Theme.TIMELINESS, days_early=-1, submitted_rank=0.9),
            "Hands in 1 day after it on average; later than 90 % of the class.",
        ),
        (said(Theme.MARKS, score_mean=None), "No mark is known yet."),
        (
            said(Theme.MARKS, score_mean=40.4, marked_count=1, middle=NOTHING),
            "Mean score 40 over 1 marked piece.",
        ),
        (
            said(Theme.MARKS, score_mean=40.4, marked_count=2, middle=ZERO | {"score_mean": 71.0}),
            "Mean score 40 (middle of the class: 71) over 2 marked pieces.",
        ),
        (
            said(Theme.START, registered_day=None),
            "Day of registration not known; 0 days with a visit before the start.",
        ),
        (
            said(Theme.START, registered_day=-30, days_before=1),
            "Registered 30 days before the start; 1 day with a visit before the start.",
        ),
        (
            said(Theme.START, registered_day=1),
            "Registered 1 day after the start; 0 days with a visit before the start.",
        ),
        (said(Theme.HISTORY, studied_credits=None, prior_education_level=None), "First attempt at this unit."),
        (
            said(Theme.HISTORY, previous_attempts=1, studied_credits=60, prior_education_level=3, earlier_lost=1),
            (
                "1 earlier attempt; 60 credits studied at the time; upper secondary education before;"
                " 1 earlier offering failed or left."
            ),
        ),
        (
            said(Theme.HISTORY, previous_attempts=2, studied_credits=None, prior_education_level=None, earlier_lost=2),
            "2 earlier attempts; 2 earlier offerings failed or left.",
        ),
        (
            said(Theme.STAGE, course_elapsed=0.25, due_count=1),
            "25 % of the offering has passed, with 1 piece of coursework due so far.",
        ),
    ],
)
def test_sentences(sentence: str, expected: str) -> None:
    assert sentence == expected


def test_factors_come_largest_first_whatever_their_sign() -> None:
    themes = (Theme.MARKS, Theme.VISITS, Theme.START)
    factors = factors_of(ZERO, ZERO, themes, [0.1, -0.9, 0.5])
    assert [factor["theme"] for factor in factors] == ["visits", "start", "marks"]
    assert [factor["raises"] for factor in factors] == [False, True, True]
    assert factors[0]["label"] == "Visits"


def test_the_baseline_is_told_apart() -> None:
    factor = baseline_factor(-0.25)
    assert (factor["theme"], factor["contribution"], factor["raises"]) == (BASELINE, -0.25, False)
