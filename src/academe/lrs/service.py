"""Verbs of the learning record store."""

import asyncio
from datetime import date
from typing import Any, Final
from uuid import UUID

import numpy as np
import polars as pl
from sqlalchemy import CursorResult, text

from academe.lrs.types import ActivityDays
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.partitions import ensure_months, later
from academe.platform.database.session import Session
from academe.platform.database.staging import Loaded, copy_binary, make_stage, stage
from academe.platform.errors import PermissionDeniedError

_ACTORS: Final = {"position": "integer", "id": "uuid"}
_ACTIVITIES: Final = {"position": "integer", "id": "uuid", "kind": "text"}
_DAYS: Final = {"actor": "integer", "activity": "integer", "day": "date", "count": "integer"}

# One tuple of the binary COPY format: the number of values, then each with its length in bytes before it.
_TUPLE: Final = np.dtype(
    [("values", ">i2")] + [field for name in _DAYS for field in ((f"{name}_length", ">i4"), (name, ">i4"))]
)
# A date travels as days since 2000-01-01; numpy and polars count from 1970-01-01.
_EPOCH_DAYS: Final = (date(2000, 1, 1) - date(1970, 1, 1)).days

# A context that came after the last ANALYZE looks empty to the planner, which would then look up a million days one by
# one instead of hashing them: 190 s for the whole data set instead of 20 s.
_JOIN_BY_HASH: Final = text("SELECT set_config('enable_nestloop', :on, true)")

_IS_KNOWN: Final = text("SELECT EXISTS (SELECT FROM activity_day WHERE context_id = :context)")

# The rows are staged in the order of the key, and the joins look into small tables by hash and keep it: every row of a
# month then lands beside the one before it, in the table and in its index.
_INSERT_ALL: Final = text(
    """
    INSERT INTO activity_day (context_id, actor_id, day, activity_id, kind, count)
    SELECT :context, who.id, s.day, what.id, what.kind, s.count
    FROM staged_activity_day s
    JOIN staged_actor who ON who.position = s.actor
    JOIN staged_activity what ON what.position = s.activity
    """
)

_UPDATE_CHANGED: Final = text(
    """
    UPDATE activity_day d SET kind = what.kind, count = s.count
    FROM staged_activity_day s
    JOIN staged_actor who ON who.position = s.actor
    JOIN staged_activity what ON what.position = s.activity
    WHERE d.context_id = :context AND d.day BETWEEN :first AND :last
      AND d.actor_id = who.id AND d.day = s.day AND d.activity_id = what.id
      AND (d.kind, d.count) IS DISTINCT FROM (what.kind, s.count)
    """
)

_INSERT_MISSING: Final = text(
    """
    INSERT INTO activity_day (context_id, actor_id, day, activity_id, kind, count)
    SELECT :context, who.id, s.day, what.id, what.kind, s.count
    FROM staged_activity_day s
    JOIN staged_actor who ON who.position = s.actor
    JOIN staged_activity what ON what.position = s.activity
    WHERE NOT EXISTS (
        SELECT FROM activity_day d
        WHERE d.context_id = :context AND d.day BETWEEN :first AND :last
          AND d.actor_id = who.id AND d.day = s.day AND d.activity_id = what.id
    )
    """
)


async def prepare_months(session: Session, *, first: date, last: date) -> None:
    """Make room for days from `first` to `last`; in a transaction of its own, because others wait for its end."""
    await ensure_months(session, "activity_day", first, last)


async def load_activity_days(session: Session, *, actor: Actor, institution_id: UUID, batch: ActivityDays) -> Loaded:
    """Write the days of a context: add those that are new, correct those whose count is another, leave all others.

    Days that the batch does not name stay. The months must be there (`prepare_months`). Fastest when the actors and the
    activities of the batch are in ascending order of their ids, because that is the order of the key.
    """
    if not actor.is_system:
        raise PermissionDeniedError("Only Academe itself loads activity in bulk; let an operator run the import.")
    if batch.days.is_empty():
        return Loaded(0, 0)
    await stage(session, "staged_actor", _ACTORS, _positions([str(key) for key in batch.actors]))
    activities = _positions([str(activity.id) for activity in batch.activities])
    kinds = pl.Series("kind", [activity.kind for activity in batch.activities], dtype=pl.String)
    await stage(session, "staged_activity", _ACTIVITIES, activities.with_columns(kinds))
    await make_stage(session, "staged_activity_day", _DAYS)
    for month in _months(batch.days["day"]):
        of_month = batch.days.lazy().filter(pl.col("day").is_between(month, later(month, 1), closed="left"))
        await copy_binary(session, "staged_activity_day", await asyncio.to_thread(_tuples, of_month))
    loaded = await _write(session, batch.context_id, batch.days)
    if loaded.inserted or loaded.updated:
        record(
            session,
            actor=actor,
            action="activity_days.loaded",
            subject=Subject("activity_context", batch.context_id, institution_id),
            summary=f"Activity days: {loaded.inserted:,} added, {loaded.updated:,} changed",
            changes={"inserted": loaded.inserted, "updated": loaded.updated},
        )
    return loaded


def _months(days: pl.Series) -> list[date]:
    """The first days of the months from the first to the last of the days."""
    first, last = days.min(), days.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    months = [first.replace(day=1)]
    while (month := later(months[-1], 1)) <= last:
        months.append(month)
    return months


def _positions(ids: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"position": pl.int_range(len(ids), dtype=pl.Int32, eager=True), "id": ids})


async def _write(session: Session, context_id: UUID, days: pl.DataFrame) -> Loaded:
    context: dict[str, Any] = {"context": context_id}
    if not (await session.execute(_IS_KNOWN, context)).scalar_one():
        inserted = _count(await session.execute(_INSERT_ALL, context))
        _require_all(days, inserted)
        return Loaded(days.height, inserted)
    context |= {"first": days["day"].min(), "last": days["day"].max()}
    await session.execute(_JOIN_BY_HASH, {"on": "off"})
    updated = _count(await session.execute(_UPDATE_CHANGED, context))
    inserted = _count(await session.execute(_INSERT_MISSING, context))
    await session.execute(_JOIN_BY_HASH, {"on": "on"})
    return Loaded(days.height, inserted, updated)


def _count(result: Any) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount


def _require_all(days: pl.DataFrame, inserted: int) -> None:
    if inserted != days.height:
        raise ValueError(f"{days.height - inserted} days name an actor or activity that the batch does not list")


def _tuples(days: pl.LazyFrame) -> bytes:
    """The days of a month in the order of the key, as tuples of the binary COPY format."""
    # Sorting by one number takes a tenth of the time that sorting by three columns takes.
    day = pl.col("actor").cast(pl.Int64) * 32 + pl.col("day").dt.day()
    ordered = days.sort(day * (pl.col("activity").max() + 1) + pl.col("activity")).collect()
    tuples = np.empty(ordered.height, _TUPLE)
    tuples["values"] = len(_DAYS)
    for name in _DAYS:
        tuples[f"{name}_length"] = 4
        tuples[name] = ordered[name].to_physical().to_numpy()
    tuples["day"] -= _EPOCH_DAYS
    return tuples.tobytes()
