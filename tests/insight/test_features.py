"""The feature statement against numbers worked out by hand, and what it may read."""

import json
from typing import Any, Final

import pytest
from sqlalchemy import update

from academe.academics.models import Assessment, Result, StudentProtectedAttributes
from academe.academics.types import EnrollmentStatus, Outcome
from academe.insight.features.catalog import FEATURE_NAMES
from academe.insight.features.reading import feature_query, read_features
from academe.platform.database.session import Session
from academe.platform.database.staging import driver
from tests.insight.classes import (
    ENROLLED,
    MAIN,
    WITHDRAWN,
    History,
    Records,
    Use,
    Work,
    enrollment_id,
    found,
    id_of,
    on,
    write,
)

pytestmark = pytest.mark.anyio

# Content is material 0, the forum 1, the quiz 2. The offering has 100 days; assignment 1 (weight 20) is due on day 10,
# assignment 2 (weight 30) on day 30.
CLASS: Final = Records(
    (
        History(0, ((ENROLLED, -10),)),
        History(1, ((ENROLLED, -1),)),
        History(2, ((ENROLLED, 3),)),
        History(3, ((ENROLLED, -20), (WITHDRAWN, 15))),
        History(0, ((ENROLLED, -130),), "before", outcome=(Outcome.FAIL, 10)),
        History(1, ((ENROLLED, -1), (WITHDRAWN, 5)), "beside"),
        History(2, ((ENROLLED, 3),), "beside"),
    ),
    (
        *(Use(0, -5, 0, 4), Use(0, 0, 0, 3), Use(0, 0, 1, 2), Use(0, 13, 1, 1), Use(0, 13, 2, 6), Use(0, 19, 0, 5)),
        *(Use(1, 2, 0, 10), Use(1, 20, 0, 1)),
        Use(3, 1, 0, 50),
    ),
    (Work(0, 0, 8, 15, 80), Work(0, 1, 18, 25, 70), Work(1, 0, 12, 19, 60), Work(3, 0, 2, 4, 100)),
)

# Feature: its value for students 0, 1 and 2 at the end of day 20; the fourth has left.
EXPECTED: Final[dict[str, tuple[float | None, float | None, float | None]]] = {
    "course_elapsed": (0.2, 0.2, 0.2),
    "due_count": (1, 1, 1),
    "due_part": (0.4, 0.4, 0.4),  # 20 of 50; an exam is no coursework
    "days_to_next": (10, 10, 10),
    "days_since_due": (10, 10, 10),
    "registered_day": (-10, -1, 3),
    "registered_rank": (0, 0.5, 1),
    "days_before": (1, 0, 0),
    "clicks_before_rank": (1, 0, 0),
    "days_since_visit": (1, 0, 80),  # without a visit: 20 days and 60
    "days_since_visit_rank": (0.5, 0, 1),
    "active_days": (3, 2, 0),
    "active_days_7": (1, 1, 0),
    "active_days_14": (2, 1, 0),
    "active_days_28": (4, 2, 0),
    "active_days_change": (0, 0, 0),  # days 7 to 20 against days -7 to 6: 2 against 2, and 1 against 1
    "longest_gap": (13, 18, 20),
    "clicks": (17, 11, 0),
    "clicks_14": (12, 1, 0),
    "clicks_rank": (1, 0.5, 0),
    "clicks_per_day": (17 / 3, 5.5, 0),
    "sites": (3, 1, 0),
    "novelty": (3 / 5, 1 / 2, 0),
    "forum_part": (3 / 17, 0, 0),
    "content_days": (2, 2, 0),
    "forum_days": (2, 0, 0),
    "quiz_days": (1, 0, 0),
    # Clicks of days 14 to 20, 7 to 13 and 0 to 6: 5, 7, 5 against 1, 0, 10 against nothing.
    "week_rank_0": (1, 0.5, 0),
    "week_rank_1": (1, 0, 0),
    "week_rank_2": (0.5, 1, 0),
    "week_rank": (2.5 / 3, 0.5, 0),
    "week_rank_slope": (0.25, -0.25, 0),
    "weeks_absent": (0, 1, 3),
    "weeks_streak": (99, 1, 0),
    "submitted_count": (2, 1, 0),
    "missing_count": (0, 0, 1),
    "missing_part": (0, 0, 0.4),
    "submitted_part": (1, 0.4, 0),
    # Assignment 1 was handed in by two thirds, assignment 2 by one: a piece in all, and (20 * 2 + 30) / 3 of 50.
    "submitted_ahead": (0, -1 / 3, -1),
    "submitted_ahead_part": (1 - 7 / 15, 0.4 - 7 / 15, -7 / 15),
    "next_assignment_submitted": (1, 0, None),
    "days_early": (7, -2, None),  # 2 and 12 days before; 2 days after
    "days_early_min": (2, -2, None),
    "submitted_rank": (0, 1, None),
    "days_since_submission": (2, 8, None),
    "marked_count": (1, 1, 0),  # the second piece is marked on day 25
    "score_mean": (80, 60, None),
    "score_rank": (1, 0, None),
    "points": (32, 24, 0),  # 80 and 60 percent of 20 of 50
    "score_with_missing": (80, 60, 0),
    "earlier": (1, 0, 0),
    "earlier_lost": (1, 0, 0),
    "same_unit_before": (1, 0, 0),
    "concurrent": (0, 0, 1),
    "concurrent_withdrawn": (0, 1, 0),
}


@pytest.fixture
async def class_of_four(session: Session) -> Session:
    await found(session, students=4)
    await write(session, CLASS)
    return session


async def rows_by_student(session: Session) -> list[dict[str, Any]]:
    rows = {row["enrollment_id"]: row for row in await rows_of(session)}
    assert set(rows) == {enrollment_id(student) for student in range(3)}
    return [rows[enrollment_id(student)] for student in range(3)]


async def rows_of(session: Session) -> list[dict[str, Any]]:
    return (await read_features(session, scope={MAIN: on(20)})).sort("enrollment_id").to_dicts()


async def test_features_are_those_worked_out_by_hand(class_of_four: Session) -> None:
    rows = await rows_by_student(class_of_four)
    computed = {name: [row[name] for row in rows] for name in EXPECTED}
    assert computed == {name: [pytest.approx(value, abs=1e-6) for value in values] for name, values in EXPECTED.items()}


async def test_the_statement_has_the_columns_of_the_catalog(class_of_four: Session) -> None:
    offerings = [{"offering_id": str(MAIN), "as_of": on(20).isoformat()}]
    connection = await driver(class_of_four)
    cursor = await connection.execute(feature_query(offerings))
    assert cursor.description is not None
    columns = [column.name for column in cursor.description]
    assert sorted(columns) == sorted(["enrollment_id", "student_id", "offering_id", "as_of", *FEATURE_NAMES])


async def test_a_score_counts_as_its_share_of_the_maximum(class_of_four: Session) -> None:
    before = await rows_of(class_of_four)
    first = id_of("assessment", 0)
    await class_of_four.execute(update(Result).where(Result.assessment_id == first).values(score=Result.score / 4))
    await class_of_four.execute(update(Assessment).where(Assessment.id == first).values(max_score=25))
    assert await rows_of(class_of_four) == before


async def test_work_carried_over_is_handed_in_but_neither_timed_nor_marked(session: Session) -> None:
    await found(session, students=2)
    histories = (History(0, ((ENROLLED, -10),)), History(1, ((ENROLLED, -10),)))
    await write(session, Records(histories, (), (Work(0, 0), Work(1, 0, 9, 12, 50))))
    rows = {row["enrollment_id"]: row for row in await rows_of(session)}
    carried = rows[enrollment_id(0)]
    assert (carried["submitted_count"], carried["missing_count"], carried["carried_over_count"]) == (1, 0, 1)
    assert (carried["marked_count"], carried["score_mean"], carried["days_early"]) == (0, None, None)


async def test_who_left_the_queue_was_never_in_the_class(session: Session) -> None:
    await found(session, students=1)
    steps = ((EnrollmentStatus.REQUESTED, 5), (WITHDRAWN, 40))
    await write(session, Records((History(0, steps),)))
    assert await rows_of(session) == []


async def test_an_offering_without_anything_has_no_rows(session: Session) -> None:
    await found(session, students=0)
    assert await rows_of(session) == []


async def test_protected_attributes_are_not_read(class_of_four: Session) -> None:
    """The plan names every table the database would touch."""
    offerings = [{"offering_id": str(MAIN), "as_of": on(20).isoformat()}]
    connection = await driver(class_of_four)
    plan = await (await connection.execute(b"EXPLAIN (FORMAT JSON) " + feature_query(offerings).as_bytes())).fetchone()
    assert plan is not None
    assert set(_values(plan[0], "Relation Name")) == {
        "offering",
        "enrollment",
        "enrollment_status_change",
        "learner_day",
        "assessment",
        "result",
    }


async def test_protected_attributes_change_no_feature(class_of_four: Session) -> None:
    before = json.dumps(await rows_of(class_of_four), default=str)
    class_of_four.add_all(
        StudentProtectedAttributes(student_id=id_of("student", n), gender="MFX"[n], age_band="55<=", region="North")
        for n in range(3)
    )
    await class_of_four.flush()
    assert json.dumps(await rows_of(class_of_four), default=str) == before


def _values(node: object, key: str) -> list[str]:
    if isinstance(node, dict):
        mine = [node[key]] if key in node else []
        return mine + [value for child in node.values() for value in _values(child, key)]
    if isinstance(node, list):
        return [value for child in node for value in _values(child, key)]
    return []
