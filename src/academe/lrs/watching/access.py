"""The only ways of a person to figures and statements: each asks the policy, then reads as the system.

The tables are closed to everybody but the system, so that no policy of theirs would notice a mistake here. Instead the
database is asked, as the person, in which institutions they hold a role that watches or reads, and no sender of
another one is looked at, whatever the application believes.

Whoever reads statements leaves an entry in the audit: one for a statement, and one for a list, in which a page that
keeps itself up to date counts as one look for ten minutes.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, and_, func, select, true

from academe.lrs.keys import key_uuid
from academe.lrs.senders.activity import NOBODY_KNOWN
from academe.lrs.senders.models import Sender as sender_rows  # noqa: N813 - beside the type of the same name
from academe.lrs.senders.policy import require
from academe.lrs.senders.types import Sender
from academe.lrs.spool.folder import SpoolFolder
from academe.lrs.spool.queries import count_in
from academe.lrs.spool.types import SpoolStatus
from academe.lrs.statements import queries as statements
from academe.lrs.statements.attachments import contents_kept, read_attachment
from academe.lrs.statements.errors import AttachmentNotFoundError, StatementNotFoundError
from academe.lrs.statements.queries import Filter, Found
from academe.lrs.watching import policy, queries
from academe.lrs.watching.filters import Wanted
from academe.lrs.watching.shown import ShownAttachment, ShownStatement, attachments_of, shown
from academe.lrs.xapi.objects import VOIDED
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.cache import MemoryCache
from academe.platform.database.session import Database, ReadSession
from academe.platform.http.pagination import CursorSigner, Edge, PageRequest

SHOWN_VERBS: Final = 10

_ACTOR: Final = system_actor("watch the learning record store")
_LOOK_SECONDS: Final = 600
_looks: Final[MemoryCache[tuple[Actor, str], bool]] = MemoryCache(entries=10_000, seconds=_LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class SenderRates:
    """A sender with what it did; without an id, all requests whose credentials did not hold."""

    id: UUID | None
    name: str
    rates: queries.Rates


@dataclass(frozen=True, slots=True)
class Figures:
    """What the store does: its senders, the last hour by minutes, what it keeps and who follows it.

    `elsewhere` are the senders of the installation itself, whose figures and statements stand on no page.
    """

    now: datetime
    senders: Sequence[SenderRates]
    minutes: Sequence[queries.Minute]
    months: Sequence[queries.Month]
    followers: Sequence[queries.Follower]
    spool: SpoolStatus
    set_aside: int
    elsewhere: int


@dataclass(frozen=True, slots=True)
class StatementList:
    """A page of statements, the newest first, with the cursors to its neighbours and the senders to choose from.

    `elsewhere` are senders of the installation itself, whose statements are in no list; 0 for those who see no figures.
    """

    items: Sequence[ShownStatement]
    next_cursor: str | None
    previous_cursor: str | None
    senders: Sequence[Sender]
    elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class OneStatement:
    """A statement with all that is known of it; `text` is its JSON as it is returned to senders."""

    shown: ShownStatement
    text: str
    version: str
    voided_at: datetime | None
    attachments: Sequence[ShownAttachment]
    referring: Sequence[queries.Referring]


async def figures_for(database: Database, actor: Actor) -> Figures:
    """What the senders of the actor's institutions do; raises PermissionDeniedError."""
    require(policy.can_watch(actor), actor, policy.WATCHERS_ONLY)
    now = clock.now()
    held = await _held(database, actor, policy.WATCHING)
    async with database.reading(_ACTOR) as session:
        senders = await queries.senders_of(session, and_(policy.senders_watched_by(actor), held))
        ids = [sender.id for sender in senders]
        rates = await queries.rates_of(session, [*ids, NOBODY_KNOWN], now)
        listed = [SenderRates(each.id, each.name, rates.get(each.id, queries.Rates())) for each in senders]
        if NOBODY_KNOWN in rates:
            listed.append(SenderRates(None, "No valid credentials", rates[NOBODY_KNOWN]))
        minutes = await queries.minutes_of(session, [*ids, NOBODY_KNOWN], now)
        months, followers = await queries.months(session), await queries.followers(session)
        set_aside = await count_in(session, policy.institutions_watched_by(actor), everywhere=actor.is_system)
        elsewhere = await queries.senders_of_installation(session)
    limit_bytes = database.settings.xapi_spool_mebibytes * 2**20
    status = await asyncio.to_thread(SpoolFolder.of(database.settings).status, limit_bytes)
    return Figures(now, listed, minutes, months, followers, status, set_aside, 0 if actor.is_system else elsewhere)


async def usage_for(database: Database, actor: Actor) -> queries.Usage:
    """Which verbs and activities the newest statements use most; raises PermissionDeniedError."""
    require(policy.can_watch(actor), actor, policy.WATCHERS_ONLY)
    held = await _held(database, actor, policy.WATCHING)
    async with database.reading(_ACTOR) as session:
        senders = await queries.senders_of(session, and_(policy.senders_watched_by(actor), held))
        return await queries.usage_of(session, [sender.id for sender in senders], most=SHOWN_VERBS)


async def statements_for(database: Database, actor: Actor, wanted: Wanted, page: PageRequest) -> StatementList:
    """The statements that the actor may read and looks for, the newest first.

    Raises PermissionDeniedError, and InvalidCursorError for a cursor of another list.
    """
    require(policy.can_read(actor), actor, policy.READERS_ONLY)
    order = f"lrs statements {wanted.query}"
    edge = page.signer.open(page.cursor, order) if page.cursor else None
    held = await _held(database, actor, policy.READING)
    async with database.reading(_ACTOR) as session:
        allowed = and_(policy.senders_read_by(actor), held)
        senders = {each.id: each for each in await queries.senders_of(session, allowed)}
        chosen = [each for each in senders.values() if wanted.sender_id in (None, each.id)]
        narrowed = replace(wanted.filter, ascending=edge is not None and edge.backward)
        found = [
            (one, sender_id)
            for one, sender_id in await _found(
                session, _looks_of(actor, chosen, wanted, narrowed), edge, page.limit + 1
            )
            if sender_id in senders
        ]
        elsewhere = await queries.senders_of_installation(session) if policy.can_watch(actor) else 0
    await _leave_entry(database, actor, wanted)
    cut, next_cursor, previous_cursor = _cut(found, page, edge, order)
    items = [shown(each, senders[sender_id].name) for each, sender_id in cut]
    return StatementList(items, next_cursor, previous_cursor, list(senders.values()), elsewhere)


async def statement_for(database: Database, actor: Actor, id_: UUID) -> OneStatement:
    """One statement that the actor may read; raises PermissionDeniedError and StatementNotFoundError.

    Voided ones are shown too, for whoever has to find out why.
    """
    require(policy.can_read(actor), actor, policy.READERS_ONLY)
    held = await _held(database, actor, policy.READING)
    async with database.reading(_ACTOR) as session:
        allowed = and_(policy.senders_read_by(actor), held)
        senders = {each.id: each for each in await queries.senders_of(session, allowed)}
        place, found = await _one_of(session, senders, id_)
        one = shown(found, senders[place.sender_id].name)
        described = attachments_of(one.statement)
        kept = await contents_kept(
            session,
            [each.sha2 for each in described],
            institution_id=senders[place.sender_id].institution_id,
        )
        referring = [each for each in await queries.referring_to(session, id_) if each.sender_id in senders]
    await _leave_entry_of_one(database, actor, id_, place, "reading one statement")
    is_voided = place.voided_at is not None and one.verb.identifier != VOIDED
    return OneStatement(
        one,
        found.text,
        place.version,
        place.voided_at if is_voided else None,
        [replace(each, kept=each.sha2 in kept) for each in described],
        referring,
    )


async def attachment_for(database: Database, actor: Actor, id_: UUID, sha2: str) -> tuple[ShownAttachment, bytes]:
    """An attachment of a statement that the actor may read, by the hash that the statement gives it, and its content.

    Raises PermissionDeniedError, StatementNotFoundError, AttachmentNotFoundError where the statement names no such hash
    or its content never came, FileDamagedError and FilesUnavailableError.
    """
    require(policy.can_read(actor), actor, policy.READERS_ONLY)
    held = await _held(database, actor, policy.READING)
    async with database.reading(_ACTOR) as session:
        allowed = and_(policy.senders_read_by(actor), held)
        senders = {each.id: each for each in await queries.senders_of(session, allowed)}
        place, found = await _one_of(session, senders, id_)
    described = attachments_of(shown(found, "").statement)
    attachment = next((each for each in described if each.sha2 == sha2.lower()), None)
    if attachment is None:
        raise AttachmentNotFoundError
    institution_id = senders[place.sender_id].institution_id
    kept = await read_attachment(database, attachment.sha2, institution_id=institution_id)
    if kept is None:
        raise AttachmentNotFoundError
    await _leave_entry_of_one(database, actor, id_, place, "downloading an attachment of a statement")
    return attachment, kept[0]


async def _one_of(session: ReadSession, senders: Collection[UUID], id_: UUID) -> tuple[queries.Place, Found]:
    """A statement of one of the senders, voided or not, and where it stands; raises StatementNotFoundError."""
    place = await queries.place_of(session, id_)
    if place is None or place.sender_id not in senders:
        raise StatementNotFoundError
    single = await statements.statement_by_id(session, id_)
    if single.statement is None:
        single = await statements.voided_statement(session, id_)
    if single.statement is None:
        raise StatementNotFoundError
    return place, single.statement


async def _leave_entry_of_one(database: Database, actor: Actor, id_: UUID, place: queries.Place, purpose: str) -> None:
    async with database.transaction(actor) as session:
        for institution_id in _institutions(actor):
            subject = Subject("xapi_statement", id_, institution_id, place.person_id)
            record_access(session, actor=actor, subject=subject, purpose=purpose)


async def _held(database: Database, actor: Actor, roles: Sequence[str]) -> ColumnElement[bool]:
    """The senders of the institutions in which the database, asked as the actor, finds one of the roles held."""
    if actor.is_system:
        return true()
    async with database.reading(actor) as session:
        held = await session.scalars(select(func.actor_institutions(list(roles), type_=Uuid()).column_valued()))
        return sender_rows.institution_id.in_(held.all())


def _looks_of(actor: Actor, senders: Sequence[Sender], wanted: Wanted, narrowed: Filter) -> Sequence[Filter]:
    """What to look for: statements of the sender that is wanted, or of each institution that the actor reads."""
    if wanted.sender_id is not None:
        return [replace(narrowed, sent_by=sender) for sender in senders]
    if actor.is_system:
        return [narrowed]
    return [replace(narrowed, institution_id=each) for each in sorted(policy.institutions_read_by(actor))]


async def _found(
    session: ReadSession, looks: Sequence[Filter], edge: Edge | None, limit: int
) -> list[tuple[Found, UUID]]:
    """At most `limit` statements beyond the edge, those next to it first, each with its sender."""
    position = None if edge is None else edge.values[0]
    assert position is None or isinstance(position, datetime)
    found: list[Found] = []
    for look in looks:
        found += (await statements.find(session, look, position, limit)).statements
    found.sort(key=lambda each: each.stored, reverse=edge is None or not edge.backward)
    sent = await queries.senders_at(session, [each.stored for each in found[:limit]])
    return [(each, sent[each.stored]) for each in found[:limit]]


def _cut(
    found: Sequence[tuple[Found, UUID]], page: PageRequest, edge: Edge | None, order: str
) -> tuple[Sequence[tuple[Found, UUID]], str | None, str | None]:
    """The page in reading order, with the cursors to the older and the newer one."""
    backward = edge is not None and edge.backward
    more = len(found) > page.limit
    rows = list(found[: page.limit])
    if backward:
        rows.reverse()
    if not rows:
        return rows, None, None
    older, newer = (True, more) if backward else (more, edge is not None)
    return (
        rows,
        _sealed(page.signer, rows[-1][0], order, backward=False) if older else None,
        _sealed(page.signer, rows[0][0], order, backward=True) if newer else None,
    )


def _sealed(signer: CursorSigner, found: Found, order: str, *, backward: bool) -> str:
    return signer.seal(Edge((found.stored,), backward=backward), order)


async def _leave_entry(database: Database, actor: Actor, wanted: Wanted) -> None:
    """An entry that somebody looked at statements: of an actor by its key, else of everybody."""
    if _looks.get((actor, wanted.query)):
        return
    async with database.transaction(actor) as session:
        for institution_id in _institutions(actor):
            if wanted.filter.agent is not None:
                subject = Subject("xapi_agent", key_uuid(wanted.filter.agent), institution_id)
            else:
                subject = Subject("institution", institution_id or NOBODY_KNOWN, institution_id)
            purpose = _purpose(wanted.given)
            record_access(session, actor=actor, subject=subject, purpose=purpose, action="xapi_statements.listed")
    _looks.put((actor, wanted.query), True)


def _purpose(given: Mapping[str, str]) -> str:
    """What was looked for, by the names of the filters only: their values can be about people."""
    return f"list of statements by {', '.join(given)}" if given else "list of the newest statements"


def _institutions(actor: Actor) -> Sequence[UUID | None]:
    return [None] if actor.is_system else sorted(policy.institutions_read_by(actor), key=str)
