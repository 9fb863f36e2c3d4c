"""The learner-day rollup: exact, whatever day it is asked for, and the same however often it is made."""

from typing import Any

import pytest
from sqlalchemy import text

from academe.insight.rollup import KIND_GROUPS, rebuild_learner_days, sum_recorded_activity
from academe.lrs.facts import ActivityRecorded
from academe.platform.database.session import Session
from tests.insight.classes import ENROLLED, MAIN, SITES, History, Records, Use, enrollment_id, found, id_of, on, write

pytestmark = pytest.mark.anyio

USES = tuple(
    Use(student, day, site, 1 + (student + day) % 5)
    for student in range(3)
    for day in range(-6, 30, 2 + student)
    for site in range(4)
    if (day * 7 + site * 3 + student) % 4
)


@pytest.fixture
async def small(session: Session) -> Session:
    await found(session, students=4)
    histories = tuple(History(student, ((ENROLLED, -20),)) for student in range(3))
    await write(session, Records(histories, (*USES, Use(3, 5, 0, 9))))
    return session


async def rows(session: Session) -> list[tuple[Any, ...]]:
    found = await session.execute(text("SELECT * FROM learner_day ORDER BY enrollment_id, day"))
    return [tuple(row) for row in found]


async def test_it_is_the_same_however_often_it_is_made(small: Session) -> None:
    before = await rows(small)
    assert await rebuild_learner_days(small, offerings=[MAIN]) == len(before) > 0
    assert await rows(small) == before


async def test_the_sum_of_new_materials_counts_different_materials_until_any_day(small: Session) -> None:
    for student in range(3):
        for day in range(-7, 31):
            sums = await small.execute(
                text(
                    "SELECT coalesce(sum(new_sites), 0), coalesce(sum(clicks), 0), coalesce(sum(sites), 0)"
                    " FROM learner_day WHERE enrollment_id = :enrollment AND day <= :day"
                ),
                {"enrollment": enrollment_id(student), "day": on(day)},
            )
            mine = [use for use in USES if use.student == student and use.day <= day]
            different = len({use.site for use in mine})
            assert tuple(sums.one()) == (different, sum(use.clicks for use in mine), len(mine))


async def test_parts_are_counted_by_kind(small: Session) -> None:
    sums = await small.execute(
        text("SELECT sum(content), sum(forum), sum(quiz), sum(resource), sum(page) FROM learner_day")
    )
    by_site = [sum(use.clicks for use in USES if use.site == site) for site in range(4)]
    assert SITES == ("oucontent", "forumng", "quiz", "resource")
    assert tuple(sums.one()) == (*by_site, 0)


async def test_activity_of_people_who_are_not_enrolled_is_left_out(small: Session) -> None:
    assert len({row[0] for row in await rows(small)}) == 3


async def test_other_offerings_are_left_alone(small: Session) -> None:
    before = await rows(small)
    assert await rebuild_learner_days(small, offerings=[id_of("offering", "beside")]) == 0
    assert await rows(small) == before


async def test_activity_taken_back_is_gone(small: Session) -> None:
    await small.execute(text("DELETE FROM activity_day"))
    assert await rebuild_learner_days(small, offerings=[MAIN]) == 0
    assert await rows(small) == []


def test_a_kind_counts_for_one_part_only() -> None:
    kinds = [kind for group in KIND_GROUPS.values() for kind in group]
    assert len(kinds) == len(set(kinds))


async def test_news_of_one_offering_is_received_together(small: Session) -> None:
    expected = await rows(small)
    learners = list((await small.scalars(text("SELECT DISTINCT actor_id FROM activity_day"))).all())
    await small.execute(text("DELETE FROM learner_day"))
    await sum_recorded_activity(small, [ActivityRecorded(MAIN, (learner,)) for learner in learners])
    assert await rows(small) == expected != []
