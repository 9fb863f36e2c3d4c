"""Figures of the store, and where a statement stands: reads as the system, after the policy was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from academe.lrs.senders import models
from academe.lrs.senders.scopes import scopes_named
from academe.lrs.senders.types import Sender
from academe.platform.database.session import ReadSession

COUNTED_AT_MOST: Final = 20_000
"""How many of the newest statements are looked at for what is used most: some 50 ms, however many there are."""

_KEYS: Final = ARRAY(Uuid())
_OF_SENDER: Final = ("id", "name", "authority", "authority_key", "scopes", "institution_id")

_RATES: Final = text(
    """
    SELECT sender_id,
        coalesce(sum(statements) FILTER (WHERE minute >= :now - interval '2 minutes'
            AND minute < date_trunc('minute', CAST(:now AS timestamptz))), 0)::bigint AS minute,
        coalesce(sum(statements) FILTER (WHERE minute > :now - interval '1 hour'), 0)::bigint AS hour,
        sum(statements)::bigint AS day,
        sum(requests)::bigint AS requests,
        sum(refused)::bigint AS refused,
        sum(failed)::bigint AS failed
    FROM xapi_sender_minute
    WHERE minute > :now - interval '1 day' AND sender_id = ANY(:senders)
    GROUP BY sender_id
    """
).bindparams(bindparam("senders", type_=_KEYS))

_MINUTES: Final = text(
    """
    SELECT at AS minute, coalesce(sum(m.statements), 0)::bigint, coalesce(sum(m.refused + m.failed), 0)::bigint
    FROM generate_series(date_trunc('minute', CAST(:now AS timestamptz)) - interval '59 minutes',
        date_trunc('minute', CAST(:now AS timestamptz)), interval '1 minute') at
    LEFT JOIN xapi_sender_minute m ON m.minute = at AND m.sender_id = ANY(:senders)
    GROUP BY at ORDER BY at
    """
).bindparams(bindparam("senders", type_=_KEYS))

# Ordered by `stored` alone, so that the newest partition is read backwards and no more than the limit of it.
_USED: Final = text(
    """
    WITH newest AS MATERIALIZED (
        SELECT stored, sender_id, verb_key, activity_key FROM xapi_statement ORDER BY stored DESC LIMIT :limit
    ), seen AS (
        SELECT * FROM newest WHERE sender_id = ANY(:senders)
    ), told AS (
        SELECT DISTINCT coalesce(institution_id, '00000000-0000-0000-0000-000000000000') AS institution_id
        FROM xapi_sender WHERE id = ANY(:senders)
    )
    SELECT 'all', NULL, '{}'::jsonb, count(*), min(stored) FROM seen
    UNION ALL (
        SELECT 'verb', v.iri, v.display, u.n, NULL
        FROM (SELECT verb_key, count(*) AS n FROM seen GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :most) u
        CROSS JOIN LATERAL (SELECT iri, display FROM xapi_verb v WHERE v.id = u.verb_key
            AND v.institution_id IN (SELECT institution_id FROM told) ORDER BY v.institution_id LIMIT 1) v
        ORDER BY u.n DESC, v.iri
    ) UNION ALL (
        SELECT 'activity', a.iri, coalesce(a.definition -> 'name', '{}'), u.n, NULL
        FROM (SELECT activity_key, count(*) AS n FROM seen WHERE activity_key IS NOT NULL
            GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :most) u
        CROSS JOIN LATERAL (SELECT iri, definition FROM xapi_activity a WHERE a.id = u.activity_key
            AND a.institution_id IN (SELECT institution_id FROM told) ORDER BY a.institution_id LIMIT 1) a
        ORDER BY u.n DESC, a.iri
    )
    """
).bindparams(bindparam("senders", type_=_KEYS))

# Months by the end of the partitions' names, such as `2026m11`; what was not analysed yet has -1 rows.
_MONTHS: Final = text(
    """
    SELECT replace(right(c.relname, 7), 'm', '-') AS month,
        sum(c.reltuples) FILTER (WHERE p.relname = 'xapi_statement')::bigint AS statements,
        sum(pg_relation_size(c.oid))::bigint AS rows_bytes,
        sum(pg_total_relation_size(c.oid))::bigint AS all_bytes
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
    WHERE p.relname IN ('xapi_statement', 'xapi_statement_agent', 'xapi_statement_activity')
        AND p.relnamespace = 'public'::regnamespace
    GROUP BY 1 ORDER BY 1
    """
)

_FOLLOWERS: Final = text(
    """
    SELECT f.name, f.position,
        (SELECT s.stored FROM xapi_statement s WHERE s.stored > f.position ORDER BY s.stored LIMIT 1) AS waiting_since
    FROM xapi_follower f ORDER BY f.name
    """
)

_PLACE: Final = text(
    """
    SELECT s.sender_id, s.version, l.actor_id, v.voided_at
    FROM xapi_statement_id i JOIN xapi_statement s ON s.stored = i.stored
    LEFT JOIN xapi_agent_link l ON l.agent_key = s.agent_key
    LEFT JOIN xapi_voided v ON v.statement_id = i.id
    WHERE i.id = :id
    """
)
_REFERRING: Final = text(
    """
    SELECT r.id, r.stored, s.sender_id, coalesce(v.display, '{}'), v.iri
    FROM (SELECT id, stored FROM xapi_reference WHERE target_id = :id ORDER BY stored DESC LIMIT 50) r
    CROSS JOIN LATERAL (
        SELECT sender_id, verb_key, institution_id FROM xapi_statement s WHERE s.stored = r.stored LIMIT 1
    ) s
    JOIN xapi_verb v ON v.id = s.verb_key
        AND v.institution_id = coalesce(s.institution_id, '00000000-0000-0000-0000-000000000000')
    ORDER BY r.stored DESC
    """
)
_SENDERS_AT: Final = text("SELECT stored, sender_id FROM xapi_statement WHERE stored = ANY(:times)")


@dataclass(frozen=True, slots=True)
class Rates:
    """What a sender did: statements of the last whole minute, hour and day; requests of the day.

    Refused were requests for a fault of theirs (4xx), failed for one of ours (5xx).
    """

    minute: int = 0
    hour: int = 0
    day: int = 0
    requests: int = 0
    refused: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Minute:
    """Statements stored in a minute, and requests that were refused or failed."""

    minute: datetime
    statements: int
    errors: int


@dataclass(frozen=True, slots=True)
class Used:
    """A verb or an activity, what it is called, and how many statements have it."""

    iri: str
    names: Mapping[str, str]
    statements: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What the newest statements use most; `statements` were counted, the oldest of them stored at `since`."""

    statements: int
    since: datetime | None
    verbs: Sequence[Used]
    activities: Sequence[Used]


@dataclass(frozen=True, slots=True)
class Month:
    """A month of storing: statements as PostgreSQL estimates them (None before it has), bytes of rows and of all."""

    month: str
    statements: int | None
    rows_bytes: int
    all_bytes: int


@dataclass(frozen=True, slots=True)
class Follower:
    """Something that reads what is stored, up to `position`; what it has yet to read was stored at `waiting_since`."""

    name: str
    position: datetime
    waiting_since: datetime | None

    def behind_seconds(self, now: datetime) -> float:
        """The age of what it should have read by now; 0 when it has read all."""
        return 0.0 if self.waiting_since is None else max(0.0, (now - self.waiting_since).total_seconds())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement comes from, whom above it is about where that is known, and whether it is voided."""

    sender_id: UUID
    version: str
    person_id: UUID | None
    voided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Referring:
    """A statement about another one."""

    id: UUID
    stored: datetime
    sender_id: UUID
    verb_display: Mapping[str, str]
    verb: str


async def senders_of(session: ReadSession, condition: ColumnElement[bool]) -> Sequence[Sender]:
    """The senders for a condition by name, revoked ones too: what they sent stays."""
    wanted = (
        select(*(getattr(models.Sender, name) for name in _OF_SENDER))
        .where(condition)
        .order_by(models.Sender.name, models.Sender.id)
    )
    return [
        Sender(id_, name, authority, key, scopes_named(scopes), institution_id)
        for id_, name, authority, key, scopes, institution_id in (await session.execute(wanted)).all()
    ]


async def senders_of_installation(session: ReadSession) -> int:
    """How many senders belong to no institution; revoked ones count, for what they sent stays."""
    wanted = select(func.count()).select_from(models.Sender).where(models.Sender.institution_id.is_(None))
    return (await session.execute(wanted)).scalar_one()


async def rates_of(session: ReadSession, senders: Sequence[UUID], now: datetime) -> Mapping[UUID, Rates]:
    """What senders did lately, as far as server processes have noted it: up to some seconds ago."""
    rows = await session.execute(_RATES, {"senders": list(senders), "now": now})
    return {row[0]: Rates(*row[1:]) for row in rows.all()}


async def minutes_of(session: ReadSession, senders: Sequence[UUID], now: datetime) -> Sequence[Minute]:
    """The last 60 minutes, the one that runs included."""
    rows = await session.execute(_MINUTES, {"senders": list(senders), "now": now})
    return [Minute(*row) for row in rows.all()]


async def usage_of(session: ReadSession, senders: Sequence[UUID], *, most: int) -> Usage:
    """The verbs and activities of the newest statements of all senders, as far as they are from these."""
    rows = (await session.execute(_USED, {"senders": list(senders), "limit": COUNTED_AT_MOST, "most": most})).all()
    total: Sequence[Any] = next(row for row in rows if row[0] == "all")
    verbs, activities = (
        [Used(row[1], row[2], row[3]) for row in rows if row[0] == kind] for kind in ("verb", "activity")
    )
    return Usage(total[3], total[4], verbs, activities)


async def months(session: ReadSession) -> Sequence[Month]:
    """Every month that there is room for, of the store as a whole."""
    return [
        Month(name, None if rows < 0 else rows, own, whole)
        for name, rows, own, whole in (await session.execute(_MONTHS)).all()
    ]


async def followers(session: ReadSession) -> Sequence[Follower]:
    """Everything that follows the statements."""
    return [Follower(*row) for row in (await session.execute(_FOLLOWERS)).all()]


async def place_of(session: ReadSession, id_: UUID) -> Place | None:
    """Where the statement with an id comes from; None when there is none."""
    row = (await session.execute(_PLACE, {"id": id_})).one_or_none()
    return None if row is None else Place(*row)


async def referring_to(session: ReadSession, id_: UUID) -> Sequence[Referring]:
    """The newest statements about a statement, 50 at most."""
    return [Referring(*row) for row in (await session.execute(_REFERRING, {"id": id_})).all()]


async def senders_at(session: ReadSession, times: Sequence[datetime]) -> Mapping[datetime, UUID]:
    """Who sent the statements that were stored at these times."""
    return {row[0]: row[1] for row in (await session.execute(_SENDERS_AT, {"times": list(times)})).all()}
