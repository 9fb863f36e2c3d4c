"""Bringing the rollup up to date: one step of the follower, the loop of it, and the rebuilding of it all."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from academe.lrs.facts import ActivityRecorded, AgentErased
from academe.lrs.keys import key_uuid
from academe.lrs.rollup.links import Resolvers, link_new
from academe.lrs.xapi.objects import VOIDED
from academe.platform.actor import system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.partitions import ensure_months
from academe.platform.database.session import Database, Session, is_away, is_transient
from academe.platform.logging import get_logger
from academe.platform.outbox.service import announce_all

NAME: Final = "activity_day"
ACTOR: Final = system_actor("lrs rollup")
STEP: Final = 10_000
"""The most statements of one transaction."""

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PAUSE_SECONDS: Final = 0.4
_PAUSE_AFTER_FAULT_SECONDS: Final = 5.0
_NO_CONTEXT: Final = "00000000-0000-0000-0000-000000000000"

_TAKE: Final = text(
    "INSERT INTO xapi_follower (name, position) VALUES (:name, :beginning)"
    " ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING position"
)
_IS_BEHIND: Final = text(
    "SELECT EXISTS (SELECT FROM xapi_statement WHERE stored > coalesce("
    "(SELECT position FROM xapi_follower WHERE name = :name), '-infinity'))"
)
_NEXT: Final = text(
    "SELECT max(stored) FROM (SELECT stored FROM xapi_statement WHERE stored > :after ORDER BY stored LIMIT :most) s"
)
_MOVE: Final = text("UPDATE xapi_follower SET position = :upto WHERE name = :name")

# What counts of a statement, and where: on the day it says, unless that is later than it came or more than twenty years
# before; for a day at the most, whatever duration it says. Statements that void and those that are voided do not count.
_COUNTED: Final = """
    SELECT coalesce(least(own.context_id::text, mentioned.context_id)::uuid, '{nowhere}') AS context_id,
           coalesce(who.actor_id, s.agent_key) AS actor_id,
           at.day, coalesce(s.activity_key, s.verb_key) AS activity_id, s.kind,
           CASE WHEN s.duration_seconds < 86400 THEN round(s.duration_seconds)::integer
                WHEN s.duration_seconds IS NOT NULL THEN 86400 END AS seconds,
           at.moment
    FROM xapi_statement s
    LEFT JOIN xapi_agent_link who ON who.agent_key = s.agent_key
    LEFT JOIN xapi_context_link own ON own.activity_key = s.activity_key
    LEFT JOIN (
        SELECT m.stored, min(l.context_id::text) AS context_id
        FROM xapi_context_link l JOIN xapi_statement_activity m ON m.activity_key = l.activity_key
        WHERE {among} GROUP BY m.stored
    ) mentioned ON mentioned.stored = s.stored
    CROSS JOIN LATERAL (
        SELECT CASE WHEN s.happened_at BETWEEN s.stored - interval '20 years' AND s.stored + interval '1 day'
                    THEN s.happened_at ELSE s.stored END AS moment
    ) clamped
    CROSS JOIN LATERAL (SELECT clamped.moment, (clamped.moment AT TIME ZONE 'UTC')::date AS day) at
    WHERE s.agent_key IS NOT NULL AND s.verb_key <> :voided
      AND NOT EXISTS (SELECT FROM xapi_voided v WHERE v.statement_id = s.id)
"""

# `among` says of which statements the mentioned activities are looked at: the key begins with the activity, so for one
# statement after the other all of them would be read each time.
_COUNTED_OF_SPAN: Final = (
    _COUNTED.format(nowhere=_NO_CONTEXT, among="m.stored > :after AND m.stored <= :upto")
    + " AND s.stored > :after AND s.stored <= :upto"
)
_OF_ACTORS: Final = (
    "s.stored <= :after AND (s.agent_key = ANY(:agents) OR s.agent_key IN ("
    "SELECT agent_key FROM xapi_agent_link WHERE actor_id = ANY(:actors)))"
)
_STORED_OF_ACTORS: Final = f"SELECT s.stored FROM xapi_statement s WHERE {_OF_ACTORS}"  # noqa: S608 - a constant
_COUNTED_OF_ACTORS: Final = (
    _COUNTED.format(nowhere=_NO_CONTEXT, among=f"m.stored IN ({_STORED_OF_ACTORS})") + f" AND {_OF_ACTORS}"
)

_DAYS: Final = text(f"SELECT min(day), max(day) FROM ({_COUNTED_OF_SPAN}) c")  # noqa: S608

_SUMMED: Final = """
    SELECT context_id, actor_id, day, activity_id, min(kind) AS kind, count(*) AS count,
           CASE WHEN count(seconds) > 0 THEN least(sum(seconds), 2147483647)::integer END AS duration_seconds,
           max(moment) AS last_at
"""

_ADD: Final = text(
    f"""
    WITH counted AS ({_COUNTED_OF_SPAN}),
    written AS (
        INSERT INTO activity_day AS d (context_id, actor_id, day, activity_id, kind, count, duration_seconds, last_at,
            from_statements)
        SELECT *, true FROM ({_SUMMED} FROM counted GROUP BY context_id, actor_id, day, activity_id) summed
        ORDER BY context_id, actor_id, day, activity_id
        ON CONFLICT (context_id, actor_id, day, activity_id) DO UPDATE
        SET kind = least(d.kind, excluded.kind), count = d.count + excluded.count,
            duration_seconds = CASE WHEN d.duration_seconds IS NULL THEN excluded.duration_seconds
                ELSE least(d.duration_seconds::bigint + coalesce(excluded.duration_seconds, 0), 2147483647) END,
            last_at = greatest(d.last_at, excluded.last_at)
        RETURNING d.context_id, d.actor_id
    )
    SELECT DISTINCT context_id, actor_id FROM written WHERE context_id <> '{_NO_CONTEXT}'
    """  # noqa: S608 - constants
)

# A statement that was counted and is voided now: everything its actor did is counted anew, which is little.
_UNCOUNTED: Final = text(
    """
    SELECT DISTINCT s.agent_key, coalesce(who.actor_id, s.agent_key) AS actor_id
    FROM xapi_voided v
    JOIN xapi_statement_id i ON i.id = v.statement_id
    JOIN xapi_statement s ON s.stored = i.stored
    LEFT JOIN xapi_agent_link who ON who.agent_key = s.agent_key
    WHERE v.voided_at > :after AND v.voided_at <= :upto AND i.stored <= :after AND s.verb_key <> :voided
    """
)
_FORGET_ACTORS: Final = text(
    "DELETE FROM activity_day WHERE from_statements AND actor_id = ANY(:actors) RETURNING context_id, actor_id"
)
_ADD_ACTORS: Final = text(
    f"""
    INSERT INTO activity_day (context_id, actor_id, day, activity_id, kind, count, duration_seconds, last_at,
        from_statements)
    SELECT *, true FROM (
        {_SUMMED} FROM ({_COUNTED_OF_ACTORS}) counted
        GROUP BY context_id, actor_id, day, activity_id) summed
    """  # noqa: S608 - constants
)
_UNLINK: Final = text("DELETE FROM xapi_agent_link WHERE agent_key = :agent RETURNING actor_id")
_POSITION: Final = text("SELECT position FROM xapi_follower WHERE name = :name FOR UPDATE")
_FORGET_ALL: Final = text("DELETE FROM activity_day WHERE from_statements")
_FORGET_LINKS: Final = (text("DELETE FROM xapi_agent_link"), text("DELETE FROM xapi_context_link"))
_START_AGAIN: Final = text("UPDATE xapi_follower SET position = :beginning WHERE name = :name")


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did: the span of statements it read, up to the position it moved to."""

    after: datetime
    upto: datetime


async def follow(database: Database, resolvers: Resolvers, stopping: asyncio.Event) -> None:
    """Bring the rollup up to date again and again until `stopping`; a database that is away is waited for.

    Several processes may do so: each step belongs to one of them.
    """
    while not stopping.is_set():
        pause = _PAUSE_SECONDS
        try:
            if await catch_up(database, resolvers) is not None:
                continue
        except Exception as error:  # noqa: BLE001 - the loop must outlive whatever befalls one step
            if is_away(error) or (isinstance(error, DBAPIError) and is_transient(error)):
                # Nothing is wrong with the statements: as soon as the database is back, they are counted.
                get_logger().warning("xapi.rollup_waits", error=type(error).__name__)
            else:
                get_logger().error("xapi.rollup_failed", exc_info=error)
                pause = _PAUSE_AFTER_FAULT_SECONDS
        try:
            await asyncio.wait_for(stopping.wait(), timeout=pause)
        except TimeoutError:
            continue


async def catch_up(database: Database, resolvers: Resolvers) -> Step | None:
    """One step in one transaction; None when there was nothing to read."""
    async with database.transaction(ACTOR, timeout_seconds=0) as session:
        # Asked before the row is locked: a follower that has nothing to do writes nothing.
        if not await session.scalar(_IS_BEHIND, {"name": NAME}):
            return None
        return await step(session, resolvers)


async def step(session: Session, resolvers: Resolvers) -> Step | None:
    """Count the next statements; None when there are none."""
    after: datetime = (await session.execute(_TAKE, {"name": NAME, "beginning": _BEGINNING})).scalar_one()
    upto: datetime | None = (await session.execute(_NEXT, {"after": after, "most": STEP})).scalar_one()
    if upto is None:
        return None
    span = {"after": after, "upto": upto, "voided": key_uuid(VOIDED)}
    await link_new(session, resolvers, {"after": after, "upto": upto})
    await _make_room(session, span)
    touched = {tuple(row) for row in await session.execute(_ADD, span)}
    touched |= await _recount_voided(session, span)
    await session.execute(_MOVE, {"name": NAME, "upto": upto})
    contexts = sorted({context for context, _ in touched}, key=str)
    await announce_all(
        session,
        [
            ActivityRecorded(context, tuple(sorted({actor for of, actor in touched if of == context}, key=str)))
            for context in contexts
        ],
    )
    return Step(after, upto)


async def rebuild(database: Database, resolvers: Resolvers) -> int:
    """Count all statements anew, in one transaction: readers see the old rollup until the new one is whole.

    Agents and activities that nobody knew are asked about again. Returns the rows of the rollup.
    """
    async with database.transaction(ACTOR, timeout_seconds=0) as session:
        await session.execute(_TAKE, {"name": NAME, "beginning": _BEGINNING})
        for statement in (_FORGET_ALL, *_FORGET_LINKS):
            await session.execute(statement)
        await session.execute(_START_AGAIN, {"name": NAME, "beginning": _BEGINNING})
        while await step(session, resolvers) is not None:
            pass
        rows = await session.scalar(text("SELECT count(*) FROM activity_day WHERE from_statements")) or 0
        record(
            session,
            actor=ACTOR,
            action="activity_days.rebuilt",
            subject=Subject("activity_rollup", key_uuid(NAME)),
            summary=f"Activity days counted anew from the statements: {rows:,}",
            changes={"rows": rows},
        )
        return rows


async def forget_agent(session: Session, fact: AgentErased) -> None:
    """Receive the erasure of an agent: what it did counts for the pseudonym, and nobody is linked to it any more."""
    before = await session.scalar(_UNLINK, {"agent": fact.agent_key}) or fact.agent_key
    position = await session.scalar(_POSITION, {"name": NAME})
    if position is None:
        return
    values = {"agents": [fact.pseudonym_key], "actors": [before], "after": position, "voided": key_uuid(VOIDED)}
    await session.execute(_FORGET_ACTORS, {"actors": [before, fact.pseudonym_key]})
    await session.execute(_ADD_ACTORS, values)


async def _make_room(session: Session, span: Mapping[str, Any]) -> None:
    """Make the partitions of the days that are counted."""
    first, last = (await session.execute(_DAYS, span)).one()
    if first is not None:
        assert isinstance(first, date)
        await ensure_months(session, "activity_day", first, last)


async def _recount_voided(session: Session, span: Mapping[str, Any]) -> set[Any]:
    """Count the actors anew whose statements were counted and have been voided since."""
    rows = (await session.execute(_UNCOUNTED, span)).all()
    if not rows:
        return set()
    values = {
        "agents": list({row.agent_key for row in rows}),
        "actors": list({row.actor_id for row in rows}),
        "after": span["upto"],
        "voided": span["voided"],
    }
    forgotten = await session.execute(_FORGET_ACTORS, {"actors": values["actors"]})
    touched = {tuple(row) for row in forgotten if str(row.context_id) != _NO_CONTEXT}
    await session.execute(_ADD_ACTORS, values)
    return touched
