"""Writing statements: the SQL of one transaction, in which the batches of several requests may stand.

Writers stand in line at an advisory lock, so that `stored` grows in the order of the commits and nobody else can add an
id between the look for it and the insert.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic_core import from_json, to_json
from sqlalchemy.ext.asyncio import AsyncConnection

from academe.lrs.keys import key_uuid
from academe.lrs.statements.incoming import Batch, Incoming, Row
from academe.lrs.statements.shared import Shared
from academe.lrs.xapi.objects import VOIDED
from academe.platform.actor import Actor
from academe.platform.database.driver import DriverStatement
from academe.platform.database.packed import Documents, Floats, Integers, Packed, Texts, Times, Uuids, packed_integer
from academe.platform.database.session import Database

WRITERS_LOCK: Final = 7_246_913_550_115
"""The advisory lock of writers. Who holds it has the newest `stored`; who gets it shared sees all that is stored."""

LOCK: Final = DriverStatement(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})", operation="lock", table="xapi_statement")

# A plan for the arrays at hand is made in a millisecond and is the same each time.
_LOCK_AND_PLAN_ONCE: Final = DriverStatement(
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', true),"
    " set_config('synchronous_commit', coalesce(%(commit)s, current_setting('synchronous_commit')), true),"
    f" pg_advisory_xact_lock({WRITERS_LOCK})",
    operation="lock",
    table="xapi_statement",
)

_KNOWN: Final = DriverStatement(
    """
    SELECT i.id::text, s.statement::text, s.institution_id
    FROM xapi_statement_id i JOIN xapi_statement s ON s.stored = i.stored
    WHERE i.id = ANY(%(ids)s::uuid[])
    """,
    operation="select",
    table="xapi_statement_id",
)

_AWAITED: Final = DriverStatement(
    "SELECT DISTINCT target_id::text FROM xapi_reference WHERE target_id = ANY(%(ids)s::uuid[])",
    operation="select",
    table="xapi_reference",
)

# In a statement of its own after the lock, which then sees what the writer before has committed. Arrays are packed by
# hand, because PostgreSQL takes longer to expand one JSON text. Nothing is stored when one of the ids in `named` is
# taken or was referred to before: then there is more to do than to store.
STORE: Final = DriverStatement(
    """
    WITH moment AS MATERIALIZED (
        SELECT coalesce(%(first)s::timestamptz, greatest(clock_timestamp(),
            (SELECT stored FROM xapi_statement ORDER BY stored DESC LIMIT 1) + interval '1 microsecond')) AS first
        WHERE NOT EXISTS (SELECT FROM xapi_statement_id WHERE id = ANY(%(named)s))
            AND NOT EXISTS (SELECT FROM xapi_reference WHERE target_id = ANY(%(named)s))
    ), statements AS (
        INSERT INTO xapi_statement (stored, id, sender_id, authority_id, agent_key, verb_key, activity_key,
            registration, happened_at, version, kind, duration_seconds, statement, institution_id)
        SELECT first + o * interval '1 microsecond', i, n, u, a, v, t, r,
            coalesce(h, first + o * interval '1 microsecond'), w, k, d, s, q
        FROM moment, (
            SELECT unnest(%(places)s) AS o, unnest(%(id)s) AS i, unnest(%(sender_id)s) AS n,
                unnest(%(authority_id)s) AS u, unnest(%(agent_key)s) AS a, unnest(%(verb_key)s) AS v,
                unnest(%(activity_key)s) AS t, unnest(%(registration)s) AS r, unnest(%(happened_at)s) AS h,
                unnest(%(version)s) AS w, unnest(%(kind)s) AS k, unnest(%(duration_seconds)s) AS d,
                unnest(%(statement)s) AS s, unnest(%(institution_id)s) AS q
        ) incoming
    ), ids AS (
        INSERT INTO xapi_statement_id (id, stored)
        SELECT i, first + o * interval '1 microsecond'
        FROM moment, (SELECT unnest(%(places)s) AS o, unnest(%(id)s) AS i) incoming
    ), agents AS (
        INSERT INTO xapi_statement_agent (agent_key, stored, is_narrow)
        SELECT key, first + o * interval '1 microsecond', is_narrow
        FROM moment, (
            SELECT unnest(%(agents_places)s) AS o, unnest(%(agents)s) AS key, true AS is_narrow
            UNION ALL SELECT unnest(%(others_places)s), unnest(%(others)s), false
        ) incoming
    ), activities AS (
        INSERT INTO xapi_statement_activity (activity_key, stored)
        SELECT key, first + o * interval '1 microsecond'
        FROM moment, (SELECT unnest(%(activities_places)s) AS o, unnest(%(activities)s) AS key) incoming
    )
    SELECT first FROM moment
    """,
    operation="insert",
    table="xapi_statement",
)

_REFER: Final = DriverStatement(
    """
    WITH incoming AS (
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(target uuid, id uuid, o integer)
    ), refer AS (
        INSERT INTO xapi_reference (target_id, id, stored)
        SELECT target, id, %(first)s::timestamptz + o * interval '1 microsecond' FROM incoming
    )
    SELECT 1
    """,
    operation="insert",
    table="xapi_reference",
)

# Whichever of the two comes last. A sender of an institution voids nothing of another one, nor what it may not read.
_VOID: Final = DriverStatement(
    f"""
    WITH made AS (
        INSERT INTO xapi_voided (statement_id, voided_at)
        SELECT DISTINCT s.id, %(first)s::timestamptz
        FROM xapi_reference x
        JOIN xapi_statement v ON v.stored = x.stored AND v.verb_key = '{key_uuid(VOIDED)}'
        JOIN xapi_statement_id i ON i.id = x.target_id
        JOIN xapi_statement s ON s.stored = i.stored
        WHERE (x.id = ANY(%(ids)s::uuid[]) OR x.target_id = ANY(%(ids)s::uuid[]))
            AND (v.institution_id IS NULL OR v.institution_id = s.institution_id)
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM made
    """,  # noqa: S608 - a constant
    operation="insert",
    table="xapi_voided",
)

# From the statements that came, up to all that refer to them, and from each of those down along its references: UNION
# ends where statements refer to each other in a circle. What a sender may not read leads to nothing it has sent.
_ALIAS: Final = DriverStatement(
    """
    WITH RECURSIVE referrer(id) AS (
        SELECT unnest(%(ids)s::uuid[])
        UNION SELECT x.id FROM referrer JOIN xapi_reference x ON x.target_id = referrer.id
    ), chain(stored, target_id, institution_id) AS (
        SELECT x.stored, x.target_id, s.institution_id
        FROM referrer JOIN xapi_reference x ON x.id = referrer.id JOIN xapi_statement s ON s.stored = x.stored
        UNION SELECT chain.stored, x.target_id, chain.institution_id
        FROM chain JOIN xapi_reference x ON x.id = chain.target_id JOIN xapi_statement s ON s.stored = x.stored
        WHERE chain.institution_id IS NULL OR chain.institution_id = s.institution_id
    ), found AS (
        SELECT chain.stored, chain.target_id, s.verb_key, s.activity_key, s.registration,
            array_remove(array_cat(ARRAY[s.agent_key],
                ARRAY(SELECT agent_key FROM xapi_statement_agent m WHERE m.stored = s.stored AND is_narrow)), NULL)
                AS agent_keys,
            array_remove(array_cat(ARRAY[s.agent_key, a.agent_key],
                ARRAY(SELECT agent_key FROM xapi_statement_agent m WHERE m.stored = s.stored)), NULL)
                AS related_agent_keys,
            array_remove(array_cat(ARRAY[s.activity_key],
                ARRAY(SELECT activity_key FROM xapi_statement_activity m WHERE m.stored = s.stored)), NULL)
                AS related_activity_keys
        FROM chain
        JOIN xapi_statement_id i ON i.id = chain.target_id
        JOIN xapi_statement s ON s.stored = i.stored
        JOIN xapi_authority a ON a.id = s.authority_id
        WHERE chain.institution_id IS NULL OR chain.institution_id = s.institution_id
    ), made AS (
        INSERT INTO xapi_alias (stored, target_id, verb_key, activity_key, registration, agent_keys,
            related_agent_keys, related_activity_keys, keys)
        SELECT f.*, array_remove(f.related_agent_keys || f.related_activity_keys || f.verb_key || f.registration, NULL)
        FROM found f
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM made
    """,
    operation="insert",
    table="xapi_alias",
)


@dataclass(frozen=True, slots=True)
class Known:
    """A statement that is there already, by the id of one that comes; `institution_id` is that of its sender."""

    statement: Mapping[str, Any]
    institution_id: UUID | None


async def take_turn(connection: AsyncConnection) -> None:
    """Wait for the writers before."""
    await LOCK.rows(connection, {})


async def known_among(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Known]:
    """Those of some ids (lower case) that are taken, with their statements as they are kept."""
    rows = await _KNOWN.rows(connection, {"ids": list(ids)}) if ids else []
    return {identifier: Known(from_json(statement), institution) for identifier, statement, institution in rows}


async def store_at_once(
    database: Database, actor: Actor, statements: Sequence[Incoming], *, waits_for_disk: bool
) -> datetime | None:
    """Store statements about which there is nothing else to do, in one transaction and one round trip.

    Returns when the first of them was stored; None when there turned out to be more to do: then nothing was stored.
    What they share is known to be written. Unless it `waits_for_disk`, they are visible and may yet be lost (`flush`).
    """
    named = [one.row.id for one in statements if one.is_named]
    begin = (_LOCK_AND_PLAN_ONCE, {"commit": None if waits_for_disk else "off"})
    rows = await database.at_once(actor, [begin, (STORE, columns(statements, named=named))])
    return rows[0][0] if rows else None


async def store(
    connection: AsyncConnection,
    shared: Shared,
    batches: Sequence[Batch],
    fresh: Sequence[Incoming],
    first: datetime | None = None,
) -> None:
    """Write statements whose ids are free, in the order given; `first` is the time of the first one, by default now.

    `fresh` are those of the batches that are not there yet.
    """
    await shared.note(connection, batches)
    first = (await STORE.rows(connection, columns(fresh, first=first)))[0][0]
    references = [
        {"target": one.found.target, "id": one.id, "o": place}
        for place, one in enumerate(fresh)
        if one.found.target is not None
    ]
    if references:
        await _REFER.rows(connection, {"first": first, "rows": to_json(references).decode()})
    named = [one.id for one in fresh if one.is_named]
    awaited = [row[0] for row in await _AWAITED.rows(connection, {"ids": named})] if named else []
    touched = {*awaited, *(one["id"] for one in references)}
    if touched:
        await _VOID.rows(connection, {"first": first, "ids": sorted(map(str, touched))})
        await _ALIAS.rows(connection, {"ids": sorted(map(str, touched))})


def columns(
    statements: Sequence[Incoming], *, first: datetime | None = None, named: Sequence[bytes] = ()
) -> dict[str, Any]:
    """The parameters of STORE: nothing is stored when one of the ids in `named` (packed) needs more than that."""
    rows = zip(Row._fields, zip(*(one.row for one in statements), strict=True), strict=True)
    agents = [(place, key) for place, one in enumerate(statements) for key in one.agents]
    others = [(place, key) for place, one in enumerate(statements) for key in one.other_agents]
    activities = [(place, key) for place, one in enumerate(statements) for key in one.activities]
    return {
        "first": first,
        "named": Uuids(named),
        "places": _places(range(len(statements))),
        **{name: _ARRAYS[name](column) for name, column in rows},
        "agents": Uuids([key for _, key in agents]),
        "agents_places": _places([place for place, _ in agents]),
        "others": Uuids([key for _, key in others]),
        "others_places": _places([place for place, _ in others]),
        "activities": Uuids([key for _, key in activities]),
        "activities_places": _places([place for place, _ in activities]),
    }


_ARRAYS: Final[Mapping[str, type[Packed]]] = dict.fromkeys(Row._fields, Uuids) | {
    "happened_at": Times,
    "version": Texts,
    "kind": Texts,
    "duration_seconds": Floats,
    "statement": Documents,
}
_PLACES: Final = [packed_integer(place) for place in range(2_000)]


def _places(places: Iterable[int]) -> Integers:
    return Integers([_PLACES[place] if place < len(_PLACES) else packed_integer(place) for place in places])
