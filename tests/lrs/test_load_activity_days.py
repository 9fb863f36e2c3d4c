"""Days are added, corrected or left alone; what the batch does not name stays."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import polars as pl
import pytest
from sqlalchemy import select

from academe.lrs.api import Activity, ActivityDays, load_activity_days
from academe.lrs.models import ActivityDay
from academe.platform.actor import ANONYMOUS, Actor
from academe.platform.database.session import Session
from academe.platform.database.staging import Loaded
from academe.platform.errors import PermissionDeniedError
from academe.platform.ids import new_id

pytestmark = pytest.mark.anyio

INSTITUTION, CONTEXT = new_id(), new_id()
ACTORS = [new_id(), new_id()]
ACTIVITIES = [Activity(new_id(), "page", CONTEXT), Activity(new_id(), "quiz", CONTEXT)]

Day = tuple[int, int, date, int]


def batch(*days: Day, context: UUID = CONTEXT) -> ActivityDays:
    schema = {"actor": pl.Int32, "activity": pl.Int32, "day": pl.Date, "count": pl.Int32}
    activities = [replace(activity, context_id=context) for activity in ACTIVITIES]
    return ActivityDays(ACTORS, activities, pl.DataFrame(list(days), schema=schema, orient="row"))


async def load(session: Session, actor: Actor, days: ActivityDays) -> Loaded:
    return await load_activity_days(session, actor=actor, institution_id=INSTITUTION, batch=days)


async def stored(session: Session, context: UUID = CONTEXT) -> list[tuple[int, int, date, str, int]]:
    columns = (ActivityDay.actor_id, ActivityDay.activity_id, ActivityDay.day, ActivityDay.kind, ActivityDay.count)
    query = select(*columns).where(ActivityDay.context_id == context)
    activities = [activity.id for activity in ACTIVITIES]
    return sorted(
        (ACTORS.index(who), activities.index(what), day, kind, count)
        for who, what, day, kind, count in await session.execute(query)
    )


class TestLoadActivityDays:
    async def test_nobody_known_may_not(self, session: Session) -> None:
        with pytest.raises(PermissionDeniedError):
            await load_activity_days(session, actor=ANONYMOUS, institution_id=INSTITUTION, batch=batch())

    async def test_days_of_several_months_arrive(self, session: Session, actor: Actor) -> None:
        days = batch(
            (1, 1, date(2014, 1, 31), 3), (0, 0, date(2013, 9, 30), 1), (0, 1, date(2013, 10, 1), 2_000_000_000)
        )
        assert await load(session, actor, days) == Loaded(3, 3)
        assert await stored(session) == [
            (0, 0, date(2013, 9, 30), "page", 1),
            (0, 1, date(2013, 10, 1), "quiz", 2_000_000_000),
            (1, 1, date(2014, 1, 31), "quiz", 3),
        ]

    async def test_the_same_days_again_change_nothing(self, session: Session, actor: Actor) -> None:
        days = batch((0, 0, date(2013, 10, 1), 5), (1, 0, date(2013, 10, 1), 6))
        await load(session, actor, days)
        assert await load(session, actor, days) == Loaded(2, 0)

    async def test_new_days_are_added_and_other_counts_corrected(self, session: Session, actor: Actor) -> None:
        await load(session, actor, batch((0, 0, date(2013, 10, 1), 5), (0, 1, date(2013, 10, 1), 6)))
        again = batch((0, 0, date(2013, 10, 1), 7), (1, 0, date(2013, 11, 1), 1))
        assert await load(session, actor, again) == Loaded(2, 1, 1)
        assert await stored(session) == [
            (0, 0, date(2013, 10, 1), "page", 7),
            (0, 1, date(2013, 10, 1), "quiz", 6),
            (1, 0, date(2013, 11, 1), "page", 1),
        ]

    async def test_contexts_do_not_touch(self, session: Session, actor: Actor) -> None:
        other = new_id()
        await load(session, actor, batch((0, 0, date(2013, 10, 1), 5)))
        assert await load(session, actor, batch((0, 0, date(2013, 10, 1), 9), context=other)) == Loaded(1, 1)
        assert await stored(session) == [(0, 0, date(2013, 10, 1), "page", 5)]
        assert await stored(session, other) == [(0, 0, date(2013, 10, 1), "page", 9)]

    async def test_nothing_to_load_is_fine(self, session: Session, actor: Actor) -> None:
        assert await load(session, actor, batch()) == Loaded(0, 0)

    async def test_a_position_that_is_not_listed_is_an_error(self, session: Session, actor: Actor) -> None:
        with pytest.raises(ValueError, match="1 days name an actor or activity"):
            await load(session, actor, batch((0, 0, date(2013, 10, 1), 5), (7, 0, date(2013, 10, 1), 5)))
