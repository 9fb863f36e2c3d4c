"""Which forwards there are, how they do, and what they could not deliver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from academe.lrs.forwarding.models import XapiForward, XapiForwardLetter, XapiForwardProgress
from academe.lrs.forwarding.types import ForwardFilter, ForwardState, ForwardVersion, PauseReason
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.pagination import SortKey

BY_NAME: Final = (SortKey("name", XapiForward.name), SortKey("id", XapiForward.id))
"""The order of lists of forwards."""

NEWEST_LETTERS: Final = (
    SortKey("refused_at", XapiForwardLetter.refused_at, descending=True),
    SortKey("id", XapiForwardLetter.id, descending=True),
)
"""The order of lists of dead letters."""

WAITING_AT_MOST: Final = 100_000
"""How far waiting statements are counted."""

_COLUMNS: Final = (
    *(XapiForward.id, XapiForward.institution_id, XapiForward.name, XapiForward.endpoint, XapiForward.version),
    *(XapiForward.verbs, XapiForward.activities, XapiForward.activity_types, XapiForward.sender_ids),
    *(XapiForward.agent_keys, XapiForward.registration, XapiForward.with_voiding, XapiForward.with_references),
    *(XapiForward.starts_after, XapiForward.created_at),
    *(XapiForwardProgress.position, XapiForwardProgress.paused_at, XapiForwardProgress.pause_reason),
    *(XapiForwardProgress.attempts, XapiForwardProgress.next_attempt_at, XapiForwardProgress.failing_since),
    *(XapiForwardProgress.failure, XapiForwardProgress.delivered, XapiForwardProgress.delivered_at),
    XapiForwardProgress.answers,
)
_LETTERS: Final = (
    select(func.count())
    .where(XapiForwardLetter.forward_id == XapiForward.id)
    .correlate(XapiForward)
    .scalar_subquery()
    .label("letters")
)

_WAITING: Final = text(
    """
    SELECT p.forward_id,
        (SELECT s.stored FROM xapi_statement s WHERE s.stored > p.position ORDER BY s.stored LIMIT 1) AS since,
        (SELECT count(*) FROM (SELECT FROM xapi_statement s WHERE s.stored > p.position LIMIT :most) w) AS statements
    FROM xapi_forward_progress p WHERE p.forward_id = ANY(:forwards)
    """
).bindparams(bindparam("forwards", type_=ARRAY(Uuid())))
_RATES: Final = text(
    """
    SELECT forward_id,
        coalesce(sum(statements) FILTER (WHERE minute >= :now - interval '2 minutes'
            AND minute < date_trunc('minute', CAST(:now AS timestamptz))), 0)::bigint AS minute,
        coalesce(sum(statements) FILTER (WHERE minute > :now - interval '1 hour'), 0)::bigint AS hour,
        sum(statements)::bigint AS day, sum(requests)::bigint AS requests, sum(failed)::bigint AS failed
    FROM xapi_forward_minute WHERE minute > :now - interval '1 day' AND forward_id = ANY(:forwards)
    GROUP BY forward_id
    """
).bindparams(bindparam("forwards", type_=ARRAY(Uuid())))
_MINUTES: Final = text(
    """
    SELECT at AS minute, coalesce(m.statements, 0)::bigint, coalesce(m.failed, 0)::bigint
    FROM generate_series(date_trunc('minute', CAST(:now AS timestamptz)) - interval '59 minutes',
        date_trunc('minute', CAST(:now AS timestamptz)), interval '1 minute') at
    LEFT JOIN xapi_forward_minute m ON m.minute = at AND m.forward_id = :forward
    ORDER BY at
    """
)
# An address is told only where the institution's own senders have said it.
_AGENTS: Final = text(
    "SELECT DISTINCT id, key FROM xapi_agent"
    " WHERE id = ANY(:keys) AND (CAST(:institution AS uuid) IS NULL OR institution_id = :institution)"
).bindparams(bindparam("keys", type_=ARRAY(Uuid())), bindparam("institution", type_=Uuid()))


@dataclass(frozen=True, slots=True)
class Rates:
    """Statements delivered in the last whole minute, hour and day; requests of the day, and those that failed."""

    minute: int = 0
    hour: int = 0
    day: int = 0
    requests: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Behind:
    """Statements of the store that a forward has yet to look at, the oldest stored at `since`.

    They are counted up to WAITING_AT_MOST, whether they fit the filter or not.
    """

    since: datetime | None = None
    statements: int = 0

    def seconds(self, now: datetime) -> float:
        """The age of the oldest of them; 0 when there is none."""
        return 0.0 if self.since is None else max(0.0, (now - self.since).total_seconds())


@dataclass(frozen=True, slots=True)
class Forward:
    """A forward as it is shown, without its credentials. For the columns see `models`."""

    id: UUID
    institution_id: UUID | None
    name: str
    endpoint: str
    version: ForwardVersion
    filter: ForwardFilter
    starts_after: datetime
    created_at: datetime
    position: datetime
    paused_at: datetime | None
    pause_reason: PauseReason | None
    attempts: int
    next_attempt_at: datetime | None
    failing_since: datetime | None
    failure: str | None
    delivered: int
    delivered_at: datetime | None
    answers: Sequence[Mapping[str, Any]]
    letters: int

    @property
    def state(self) -> ForwardState:
        """How it stands."""
        if self.paused_at is not None:
            return ForwardState.PAUSED
        return ForwardState.FAILING if self.failure is not None else ForwardState.ACTIVE


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter; `answer` is empty for whoever may not see what statements say."""

    id: UUID
    statement_id: UUID
    stored: datetime
    status: int | None
    reason: str
    answer: str
    refused_at: datetime
    again_at: datetime | None


def forwards(condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The forwards for a condition, for `forward_of`."""
    return (
        select(*_COLUMNS, _LETTERS)
        .join(XapiForwardProgress, XapiForwardProgress.forward_id == XapiForward.id)
        .where(condition)
    )


def forward_of(row: Row[*tuple[Any, ...]]) -> Forward:
    """What a row of `forwards` shows."""
    id_, institution_id, name, endpoint, version, *rest = row[: len(_COLUMNS) + 1]
    verbs, activities, types, senders, agents, registration, voiding, references, *others = rest
    wanted = ForwardFilter(verbs, activities, types, senders, agents, registration, voiding, references)
    return Forward(id_, institution_id, name, endpoint, version, wanted, *others)


def letters(forward_id: UUID) -> Select[*tuple[Any, ...]]:
    """The dead letters of a forward, for `letter_of`."""
    columns = ("id", "statement_id", "stored", "status", "reason", "answer", "refused_at", "again_at")
    return select(*(getattr(XapiForwardLetter, name) for name in columns)).where(
        XapiForwardLetter.forward_id == forward_id
    )


def letter_of(row: Row[*tuple[Any, ...]], *, with_answer: bool) -> Letter:
    """What a row of `letters` shows."""
    id_, statement_id, stored, status, reason, answer, refused_at, again_at = row[:8]
    return Letter(id_, statement_id, stored, status, reason, answer if with_answer else "", refused_at, again_at)


async def behind_of(
    session: ReadSession | Session, forward_ids: Sequence[UUID], *, most: int = WAITING_AT_MOST
) -> Mapping[UUID, Behind]:
    """What forwards have yet to look at, counted up to `most`."""
    rows = await session.execute(_WAITING, {"forwards": list(forward_ids), "most": most})
    return {row.forward_id: Behind(row.since, row.statements) for row in rows.all()}


async def rates_of(session: ReadSession | Session, forward_ids: Sequence[UUID], now: datetime) -> Mapping[UUID, Rates]:
    """What forwards did lately."""
    rows = await session.execute(_RATES, {"forwards": list(forward_ids), "now": now})
    return {row[0]: Rates(*row[1:]) for row in rows.all()}


async def minutes_of(session: ReadSession, forward_id: UUID, now: datetime) -> Sequence[tuple[datetime, int, int]]:
    """The last 60 minutes, the one that runs included: statements delivered and requests failed in each."""
    rows = await session.execute(_MINUTES, {"forward": forward_id, "now": now})
    return [(row[0], row[1], row[2]) for row in rows.all()]


async def agents_named(
    session: ReadSession | Session, keys: Sequence[UUID], institution_id: UUID | None
) -> Sequence[str]:
    """The agents of some keys as they are written (`xapi.identity`); the key itself of one that is not known yet."""
    rows = await session.execute(_AGENTS, {"keys": list(keys), "institution": institution_id})
    known = {row.id: row.key for row in rows.all()}
    return [known.get(key, str(key)) for key in keys]
