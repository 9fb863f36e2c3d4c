"""No feature knows the future: the records as they stood on a day and as they stand long after give the same numbers.

Facts are changed by later ones as the application changes them: a withdrawal overwrites the status, a place given back
overwrites the withdrawal, a mark comes to a submission that stood without one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from academe.academics.types import EnrollmentStatus, Outcome
from academe.insight.features import reading
from academe.insight.features.catalog import FEATURE_NAMES
from academe.insight.features.reading import KEYS, read_features
from academe.platform.database.session import Session
from tests.insight.classes import ENROLLED, MAIN, WITHDRAWN, History, Records, Use, Work, found, on, write

pytestmark = pytest.mark.anyio

REQUESTED: Final = EnrollmentStatus.REQUESTED
COMPLETED: Final = EnrollmentStatus.COMPLETED
STUDENTS: Final = 5
LAST: Final = 95

NEXT: Final = {
    ENROLLED: (WITHDRAWN, WITHDRAWN, COMPLETED),
    WITHDRAWN: (ENROLLED,),
    REQUESTED: (ENROLLED, WITHDRAWN, EnrollmentStatus.REJECTED),
    EnrollmentStatus.REJECTED: (ENROLLED,),
    COMPLETED: (),
}
"""The steps that an enrolment may take."""


@st.composite
def histories(draw: st.DrawFn, student: int, offering: str) -> History:
    unknown = draw(st.booleans()) and draw(st.booleans())
    days = sorted(draw(st.lists(st.integers(-40, LAST), min_size=1, max_size=4, unique=True)))
    steps: list[tuple[EnrollmentStatus, int]] = []
    for day in days:
        before = steps[-1][0] if steps else ENROLLED
        choices = NEXT[before] if steps or unknown else (ENROLLED, ENROLLED, REQUESTED)
        if choices:
            steps.append((draw(st.sampled_from(choices)), day))
    outcome = draw(st.none() | st.tuples(st.sampled_from(Outcome), st.integers(days[-1], LAST)))
    return History(student, tuple(steps), offering, unknown, outcome)


@st.composite
def works(draw: st.DrawFn, student: int, assessment: int) -> Work:
    if draw(st.integers(0, 5)) == 0:
        return Work(student, assessment)
    submitted = draw(st.integers(-10, LAST))
    if draw(st.booleans()):
        return Work(student, assessment, submitted)
    return Work(student, assessment, submitted, draw(st.integers(submitted, LAST)), draw(st.integers(0, 100)))


uses = st.builds(Use, st.integers(0, STUDENTS - 1), st.integers(-20, LAST), st.integers(0, 3), st.integers(1, 9))


@st.composite
def classes(draw: st.DrawFn) -> Records:
    places = [(student, offering) for student in range(STUDENTS) for offering in ("main", "beside", "before")]
    pieces = [(student, assessment) for student in range(STUDENTS) for assessment in range(2)]
    return Records(
        tuple(draw(histories(*place)) for place in places if place[1] == "main" or draw(st.booleans())),
        tuple(draw(st.lists(uses, max_size=30, unique_by=lambda use: (use.student, use.day, use.site)))),
        tuple(draw(works(*piece)) for piece in pieces if draw(st.booleans())),
    )


@asynccontextmanager
async def undone(session: Session) -> AsyncIterator[None]:
    savepoint = await session.begin_nested()
    try:
        yield
    finally:
        await savepoint.rollback()


async def features_of(session: Session, records: Records, day: int) -> pl.DataFrame:
    async with undone(session):
        await write(session, records)
        rows = await read_features(session, scope={MAIN: on(day)})
    return rows.sort("enrollment_id")


async def then_and_now(session: Session, records: Records, day: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The features of a day as they could be computed on it, and as they are computed when all is over."""
    return await features_of(session, records.until(day), day), await features_of(session, records, day)


def differences(then: pl.DataFrame, now: pl.DataFrame) -> list[str]:
    """The columns that differ, in a bit of one value or in whom they are about."""
    if then["enrollment_id"].to_list() != now["enrollment_id"].to_list():
        return ["enrollment_id"]
    return [name for name in (*KEYS, *FEATURE_NAMES) if not then[name].equals(now[name], null_equal=True)]


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(records=classes(), day=st.integers(-5, 80))
async def test_later_facts_change_no_feature(leaky: Session, records: Records, day: int) -> None:
    then, now = await then_and_now(leaky, records, day)
    assert not differences(then, now)


@pytest.fixture
async def leaky(session: Session) -> Session:
    """A session in which a small institution without enrolments stands."""
    await found(session, students=STUDENTS)
    return session


DAY: Final = 20

BUSY: Final = Records(
    (
        History(0, ((ENROLLED, -10), (COMPLETED, 95))),
        History(1, ((ENROLLED, -5), (WITHDRAWN, 30))),
        History(2, ((ENROLLED, -7), (WITHDRAWN, 25), (ENROLLED, 40))),
        History(3, ((ENROLLED, 24),)),
        History(4, ((WITHDRAWN, 50),), begins_unknown=True),
        History(0, ((ENROLLED, -9), (WITHDRAWN, 28)), "beside"),
        History(1, ((ENROLLED, -9), (WITHDRAWN, 12), (ENROLLED, 33)), "beside"),
        History(0, ((ENROLLED, -125), (COMPLETED, 10)), "before", outcome=(Outcome.DISTINCTION, 27)),
        History(1, ((ENROLLED, -125), (COMPLETED, 10)), "before", outcome=(Outcome.FAIL, 27)),
    ),
    (
        *(Use(student, day, day % 4, 1 + student) for student in range(5) for day in range(student, 60, 5 + student)),
        Use(1, DAY + 1, 0, 90),
    ),
    (Work(0, 0, 8, 15, 80), Work(1, 0, 9, 23, 40), Work(2, 0, 21, 29, 70), Work(2, 1, 18), Work(0, 1, 22, 29, 60)),
)
"""A class in which everything happens on both sides of day 20."""

MUTATIONS: Final = {
    "days of learning": ("d.day <= r.as_of", "d.day <= r.as_of + 1"),
    "submissions": ("r.submitted_on <= w.as_of", "r.submitted_on <= w.as_of + 1"),
    "marks": ("r.marked_on <= w.as_of", "r.submitted_on <= w.as_of"),
    "withdrawals": ("coalesce(e.withdrawn_on, 'infinity') > s.as_of", "e.withdrawn_on IS NULL"),
    "registrations": ("coalesce(e.enrolled_on, '-infinity') <= s.as_of", "true"),
    "places given back": ("t.since <= s.as_of AND t.until > s.as_of", "t.until = 'infinity'"),
    "withdrawals elsewhere": ("e.withdrawn_on <= r.as_of", "e.withdrawn_on IS NOT NULL"),
    "places given back elsewhere": ("t.since <= r.as_of AND t.until > r.as_of", "t.until = 'infinity'"),
    "fails elsewhere": ("(e.outcome = 'fail' AND e.outcome_on <= r.as_of)", "e.outcome = 'fail'"),
    "passes elsewhere": ("IN ('pass', 'distinction') AND e.outcome_on <= r.as_of", "IN ('pass', 'distinction')"),
}
"""The words of the statement that keep each kind of fact out until its day, and words that would let it in."""


async def test_a_busy_class_changes_no_feature(leaky: Session) -> None:
    then, now = await then_and_now(leaky, BUSY, DAY)
    assert then.height == 4
    assert not differences(then, now)


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS.keys())
async def test_a_leak_is_found(leaky: Session, mutation: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: every rule of the statement is needed for it to hold."""
    right, wrong = mutation
    assert right in reading.STATEMENT, "the statement has other words now; say here which"
    monkeypatch.setattr(reading, "STATEMENT", reading.STATEMENT.replace(right, wrong))
    assert differences(*await then_and_now(leaky, BUSY, DAY))
