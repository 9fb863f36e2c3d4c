"""Verbs of the learning record store."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

import polars as pl
from sqlalchemy import TextClause, text

from academe.lrs.tuples import WIDE_COLUMNS, narrow_tuples, wide_tuples
from academe.lrs.types import Activity, ActivityDays
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.partitions import later
from academe.platform.database.session import Session
from academe.platform.database.staging import Loaded, copy_binary, make_stage, stage
from academe.platform.errors import PermissionDeniedError

_ACTORS: Final = {"position": "integer", "id": "uuid"}
_ACTIVITIES: Final = {"position": "integer", "id": "uuid", "kind": "text", "context": "uuid"}
_DAYS: Final = {"actor": "integer", "activity": "integer", "day": "date", "count": "integer"}

_OPEN_MONTH: Final = text("SELECT open_activity_month(:month)")
_CLOSE_MONTH: Final = text("SELECT close_activity_month(:month)")

# What came after the last ANALYZE looks empty to the planner, which would then look up a million days one by one
# instead of hashing them: 190 s for the whole data set instead of 20 s.
_JOIN_BY_HASH: Final = text("SELECT set_config('enable_nestloop', :on, true)")

# Materialized, because the planner would otherwise join the month with all activities of each context first.
_STAGED: Final = """
    staged AS MATERIALIZED (
        SELECT what.context AS context_id, who.id AS actor_id, s.day, what.id AS activity_id, what.kind, s.count
        FROM staged_activity_day s
        JOIN staged_actor who ON who.position = s.actor
        JOIN staged_activity what ON what.position = s.activity
    )
"""

_UPDATE_CHANGED: Final = text(
    f"""
    WITH {_STAGED}, changed AS (
        UPDATE activity_day d SET kind = s.kind, count = s.count
        FROM staged s
        WHERE d.day >= :first AND d.day < :after
          AND (d.context_id, d.actor_id, d.day, d.activity_id) = (s.context_id, s.actor_id, s.day, s.activity_id)
          AND (d.kind, d.count) IS DISTINCT FROM (s.kind, s.count)
        RETURNING d.context_id
    )
    SELECT context_id, count(*) FROM changed GROUP BY context_id
    """  # noqa: S608 - a constant
)

_INSERT_MISSING: Final = text(
    f"""
    WITH {_STAGED}, added AS (
        INSERT INTO activity_day (context_id, actor_id, day, activity_id, kind, count)
        SELECT context_id, actor_id, day, activity_id, kind, count FROM staged s
        WHERE NOT EXISTS (
            SELECT FROM activity_day d
            WHERE d.day >= :first AND d.day < :after
              AND (d.context_id, d.actor_id, d.day, d.activity_id) = (s.context_id, s.actor_id, s.day, s.activity_id)
        )
        RETURNING context_id
    )
    SELECT context_id, count(*) FROM added GROUP BY context_id
    """  # noqa: S608 - a constant
)


async def load_activity_days(session: Session, *, actor: Actor, institution_id: UUID, batch: ActivityDays) -> Loaded:
    """Write days of activity: add those that are new, correct those whose count is another, leave all others.

    Days that the batch does not name stay. A month that has no place yet is filled by COPY and takes its place with the
    end of the transaction (`docs/decisions/bulk-import.md`); until then, whoever wants to make the same month waits.
    Fastest when actors, and activities by their context, are in ascending order of their ids: the order of the key.
    """
    if not actor.is_system:
        raise PermissionDeniedError("Only Academe itself loads activity in bulk; let an operator run the import.")
    _require_listed(batch)
    inserted: Counter[UUID] = Counter()
    updated: Counter[UUID] = Counter()
    for month, days in _by_month(batch.days):
        added, changed = await _write_month(session, month, batch, days)
        inserted += added
        updated += changed
    for context_id in sorted(inserted.keys() | updated.keys()):
        record(
            session,
            actor=actor,
            action="activity_days.loaded",
            subject=Subject("activity_context", context_id, institution_id),
            summary=f"Activity days: {inserted[context_id]:,} added, {updated[context_id]:,} changed",
            changes={"inserted": inserted[context_id], "updated": updated[context_id]},
        )
    return Loaded(batch.days.height, inserted.total(), updated.total())


def _require_listed(batch: ActivityDays) -> None:
    listed = pl.col("actor").is_between(0, len(batch.actors) - 1) & pl.col("activity").is_between(
        0, len(batch.activities) - 1
    )
    if foreign := batch.days.filter(~listed).height:
        raise ValueError(f"{foreign} days name an actor or activity that the batch does not list")


def _by_month(days: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
    """The days of every month in which there are any, with its first day, in the order of the months."""
    for month in days["day"].dt.month_start().unique().sort():
        yield month, days.filter(pl.col("day").is_between(month, later(month, 1), closed="left"))


async def _write_month(
    session: Session, month: date, batch: ActivityDays, days: pl.DataFrame
) -> tuple[Counter[UUID], Counter[UUID]]:
    """Write the days of one month; returns the rows added and changed of each context."""
    partition = await session.scalar(_OPEN_MONTH, {"month": month})
    if partition is None:
        return await _merge(session, month, batch, days)
    await copy_binary(session, ("public", partition), wide_tuples(batch, days), WIDE_COLUMNS)
    await session.execute(_CLOSE_MONTH, {"month": month})
    return _by_context(batch.activities, days), Counter()


def _by_context(activities: Sequence[Activity], days: pl.DataFrame) -> Counter[UUID]:
    counts: Counter[UUID] = Counter()
    for position, rows in days.group_by("activity").len().iter_rows():
        counts[activities[position].context_id] += rows
    return counts


async def _merge(
    session: Session, month: date, batch: ActivityDays, days: pl.DataFrame
) -> tuple[Counter[UUID], Counter[UUID]]:
    """Bring a month that stands already in line with the days."""
    actors = days["actor"].unique()
    ids = pl.Series("id", [str(batch.actors[position]) for position in actors], dtype=pl.String)
    await stage(session, "staged_actor", _ACTORS, pl.DataFrame({"position": actors, "id": ids}))
    activities = {
        "position": list(range(len(batch.activities))),
        "id": [str(activity.id) for activity in batch.activities],
        "kind": [activity.kind for activity in batch.activities],
        "context": [str(activity.context_id) for activity in batch.activities],
    }
    await stage(session, "staged_activity", _ACTIVITIES, pl.DataFrame(activities))
    await make_stage(session, "staged_activity_day", _DAYS)
    await copy_binary(session, ("pg_temp", "staged_activity_day"), narrow_tuples(days), tuple(_DAYS))
    span = {"first": month, "after": later(month, 1)}
    await session.execute(_JOIN_BY_HASH, {"on": "off"})
    updated = await _counted(session, _UPDATE_CHANGED, span)
    inserted = await _counted(session, _INSERT_MISSING, span)
    await session.execute(_JOIN_BY_HASH, {"on": "on"})
    return inserted, updated


async def _counted(session: Session, statement: TextClause, span: Mapping[str, date]) -> Counter[UUID]:
    rows = await session.execute(statement, span)
    return Counter({row[0]: row[1] for row in rows})
