"""Writing statements: the SQL of one transaction, in which the batches of several requests may stand.

Writers stand in line at an advisory lock, so that `stored` grows in the order of the commits and nobody else can add an
id between the look for it and the insert.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic_core import from_json, to_json
from sqlalchemy.ext.asyncio import AsyncConnection

from academe.lrs.keys import key_uuid
from academe.lrs.statements.incoming import Batch, Incoming
from academe.lrs.statements.shared import Shared
from academe.lrs.xapi.objects import VOIDED
from academe.platform.database.driver import DriverStatement

WRITERS_LOCK: Final = 7_246_913_550_115
"""The advisory lock of writers. Who holds it has the newest `stored`; who gets it shared sees all that is stored."""

_LOCK: Final = DriverStatement(
    f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})", operation="lock", table="xapi_statement"
)

# In a statement of its own after the lock, which then sees what the writer before has committed.
_FIRST: Final = DriverStatement(
    "SELECT greatest(clock_timestamp(),"
    " (SELECT stored FROM xapi_statement ORDER BY stored DESC LIMIT 1) + interval '1 microsecond')",
    operation="select",
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

# `rows` is one JSON text, which PostgreSQL expands: the driver would take longer over an array for each column.
_STORE: Final = DriverStatement(
    """
    WITH incoming AS MATERIALIZED (
        SELECT %(first)s::timestamptz + r.o * interval '1 microsecond' AS stored, r.*
        FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(
            o integer, i uuid, n uuid, u uuid, a uuid, v uuid, t uuid, r uuid, h timestamptz, w text, k text,
            d double precision, g uuid[], b uuid[], c uuid[], s jsonb, q uuid)
    ), statements AS (
        INSERT INTO xapi_statement (stored, id, sender_id, authority_id, agent_key, verb_key, activity_key,
            registration, happened_at, version, kind, duration_seconds, statement, institution_id)
        SELECT stored, i, n, u, a, v, t, r, coalesce(h, stored), w, k, d, s, q FROM incoming
    ), ids AS (
        INSERT INTO xapi_statement_id (id, stored) SELECT i, stored FROM incoming
    ), agents AS (
        INSERT INTO xapi_statement_agent (agent_key, stored, is_narrow)
        SELECT unnest(g), stored, true FROM incoming WHERE g IS NOT NULL
        UNION ALL SELECT unnest(b), stored, false FROM incoming WHERE b IS NOT NULL
    ), activities AS (
        INSERT INTO xapi_statement_activity (activity_key, stored)
        SELECT unnest(c), stored FROM incoming WHERE c IS NOT NULL
    )
    SELECT count(*) FROM incoming
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


async def take_turn(connection: AsyncConnection) -> datetime:
    """Wait for the writers before, and give the first time that this one may store at."""
    await _LOCK.rows(connection, {})
    first: datetime = (await _FIRST.rows(connection, {}))[0][0]
    return first


async def known_among(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Known]:
    """Those of some ids (lower case) that are taken, with their statements as they are kept."""
    rows = await _KNOWN.rows(connection, {"ids": list(ids)}) if ids else []
    return {identifier: Known(from_json(statement), institution) for identifier, statement, institution in rows}


async def store(
    connection: AsyncConnection, shared: Shared, batches: Sequence[Batch], fresh: Sequence[Incoming], first: datetime
) -> datetime:
    """Write statements whose ids are free, in the order given; returns the time of the last one.

    `fresh` are those of the batches that are not there yet.
    """
    await shared.note(connection, batches)
    rows = [{"o": place, **one.row} for place, one in enumerate(fresh)]
    await _STORE.rows(connection, {"first": first, "rows": to_json(rows).decode()})
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
    return first + timedelta(microseconds=max(len(fresh) - 1, 0))
