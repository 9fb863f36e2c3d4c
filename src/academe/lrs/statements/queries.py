"""Reads of statements. Their texts come from PostgreSQL complete, as they are sent to whoever asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from academe.lrs.keys import key_uuid
from academe.lrs.senders.types import Sender
from academe.lrs.statements.selection import JOIN_BY_MONTH, ONE, THROUGH, Shape, enough_for, selection
from academe.lrs.xapi.formats import merged_definition
from academe.platform import clock
from academe.platform.database.driver import DriverStatement
from academe.platform.database.session import ReadSession, Session

_TICK: Final = timedelta(microseconds=1)
# Nothing is stored later than that, whatever clocks differ; months that are made ahead then need no planning.
_AHEAD: Final = timedelta(days=1)
_EARLIEST: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_CONSISTENT_THROUGH: Final = DriverStatement(f"SELECT {THROUGH}", operation="select", table="xapi_statement")
_DEFINITIONS: Final = DriverStatement(
    "SELECT iri, institution_id, definition FROM xapi_activity WHERE id = ANY(%(ids)s) ORDER BY iri, institution_id",
    operation="select",
    table="xapi_activity",
)
_DISPLAYS: Final = DriverStatement(
    "SELECT iri, institution_id, display FROM xapi_verb WHERE id = ANY(%(ids)s) ORDER BY iri, institution_id",
    operation="select",
    table="xapi_verb",
)
_NAMES: Final = DriverStatement(
    "SELECT institution_id, names FROM xapi_agent WHERE id = %(id)s", operation="select", table="xapi_agent"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which statements are wanted; what is not given does not matter.

    `agent` is a key (`xapi.identity.key_of`). `since` is before all that is found, `until` the last time that may be.
    `sent_by` leaves only what that sender sent, `institution_id` what senders of that institution did; give one of
    them. `with_voided` finds voided statements too.
    """

    agent: str | None = None
    related_agents: bool = False
    verb: str | None = None
    activity: str | None = None
    related_activities: bool = False
    registration: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    ascending: bool = False
    sent_by: Sender | None = None
    institution_id: UUID | None = None
    with_voided: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A statement; `text` is its JSON with all that the store says of it."""

    text: str
    id: UUID
    stored: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Statements in the order asked for, and whether there are more behind the last one.

    Up to `consistent_through`, everything that was ever stored could be found.
    """

    statements: Sequence[Found]
    more: bool
    consistent_through: datetime


@dataclass(frozen=True, slots=True)
class Single:
    """A statement asked for by its id, or None; for `consistent_through` see `Page`."""

    statement: Found | None
    consistent_through: datetime


async def find(session: Session | ReadSession, wanted: Filter, position: datetime | None, limit: int) -> Page:
    """At most `limit` statements behind a position, the `stored` of the last statement of the page before."""
    parameters = _parameters(wanted, position)
    shape = Shape(
        agent=wanted.agent is not None,
        related_agents=wanted.related_agents and wanted.agent is not None,
        verb=wanted.verb is not None,
        activity=wanted.activity is not None,
        related_activities=wanted.related_activities and wanted.activity is not None,
        registration=wanted.registration is not None,
        own=wanted.sent_by is not None,
        institution=wanted.institution_id is not None,
        after="after" in parameters,
        ascending=wanted.ascending,
        most=enough_for(limit + 1),
        voided=wanted.with_voided,
    )
    if shape.keys > 1:
        await _rows(session, JOIN_BY_MONTH, {})
    rows = await _rows(session, selection(shape), {**parameters, "limit": limit + 1})
    found = [Found(text, id_, stored) for _, id_, stored, text in rows if id_ is not None]
    return Page(found[:limit], len(found) > limit, rows[0][0] or _EARLIEST)


async def statement_by_id(
    session: Session | ReadSession, id_: UUID, *, sent_by: Sender | None = None, institution_id: UUID | None = None
) -> Single:
    """The statement with an id, unless it is voided; `sent_by` and `institution_id` as in `Filter`."""
    return await _single(session, id_, sent_by, institution_id, voided=False)


async def voided_statement(
    session: Session | ReadSession, id_: UUID, *, sent_by: Sender | None = None, institution_id: UUID | None = None
) -> Single:
    """The voided statement with an id; `sent_by` and `institution_id` as in `Filter`."""
    return await _single(session, id_, sent_by, institution_id, voided=True)


async def consistent_through(session: Session | ReadSession) -> datetime:
    """The time up to which everything that was ever stored can be read: now, unless somebody is writing.

    While somebody writes it is the time of the newest statement, for whoever writes stores after all that is there.
    """
    rows = await _rows(session, _CONSISTENT_THROUGH, {})
    through: datetime | None = rows[0][0]
    return through or _EARLIEST


async def definitions_of(
    session: Session | ReadSession, activities: Sequence[str], reader: Sender
) -> Mapping[str, Mapping[str, Any]]:
    """What the store knows of activities, by their ids, from senders that the reader may know of."""
    rows = await _rows(session, _DEFINITIONS, {"ids": [key_uuid(iri) for iri in activities]})
    definitions: dict[str, Mapping[str, Any]] = {}
    for iri, institution_id, definition in rows:
        if reader.may_know_of(institution_id):
            definitions[iri] = merged_definition(definitions.get(iri), definition)
    return definitions


async def displays_of(
    session: Session | ReadSession, verbs: Sequence[str], reader: Sender
) -> Mapping[str, Mapping[str, Any]]:
    """What the store knows verbs to be called, by their ids, from senders that the reader may know of."""
    displays: dict[str, Mapping[str, Any]] = {}
    for iri, institution_id, display in await _rows(session, _DISPLAYS, {"ids": [key_uuid(iri) for iri in verbs]}):
        if reader.may_know_of(institution_id):
            displays[iri] = {**displays.get(iri, {}), **display}
    return displays


async def names_of(session: Session | ReadSession, agent: str, reader: Sender) -> Sequence[str]:
    """What the agent with a key is called by senders that the reader may know of."""
    rows = await _rows(session, _NAMES, {"id": key_uuid(agent)})
    return sorted({name for institution_id, names in rows if reader.may_know_of(institution_id) for name in names})


async def _single(
    session: Session | ReadSession, id_: UUID, sent_by: Sender | None, institution_id: UUID | None, *, voided: bool
) -> Single:
    through, found_id, stored, text, sender_id, is_voided, sent_in = (await _rows(session, ONE, {"id": id_}))[0]
    is_readable = (sent_by is None or sent_by.id == sender_id) and institution_id in (None, sent_in)
    statement = None
    if found_id is not None and is_voided == voided and is_readable:
        statement = Found(text, found_id, stored)
    return Single(statement, through or _EARLIEST)


def _parameters(wanted: Filter, position: datetime | None) -> dict[str, Any]:
    """The values of the conditions. `stored` is in microseconds, so a position is a bound of time a tick away."""
    after, until = wanted.since, clock.now() + _AHEAD
    if wanted.until is not None:
        until = min(until, wanted.until)
    if position is not None and wanted.ascending:
        after = position if after is None else max(after, position)
    elif position is not None:
        until = min(until, position - _TICK)
    keys = {"agent": wanted.agent, "verb": wanted.verb, "activity": wanted.activity}
    parameters: dict[str, Any] = {name: key_uuid(text) for name, text in keys.items() if text is not None}
    if wanted.sent_by is not None:
        parameters |= {"sender": wanted.sent_by.id, "authority": key_uuid(wanted.sent_by.authority_key)}
    others = {"registration": wanted.registration, "institution": wanted.institution_id, "after": after}
    return parameters | {"until": until} | {name: value for name, value in others.items() if value is not None}


async def _rows(
    session: Session | ReadSession, statement: DriverStatement, parameters: Mapping[str, Any]
) -> Sequence[tuple[Any, ...]]:
    if isinstance(session, ReadSession):
        return await session.run_hot(statement, parameters)
    return await statement.rows(await session.connection(), parameters)
