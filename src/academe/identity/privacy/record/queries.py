"""The entries of the audit about one person, with who acted and in which role, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, Text, Uuid, cast, column, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, array

from academe.platform.actor import ActorKind
from academe.platform.audit.models import AuditEntry
from academe.platform.audit.types import EntryKind
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.pagination import Page, PageRequest, SortKey, fetch_page

NEWEST_FIRST: Final = (
    SortKey("at", AuditEntry.at, descending=True),
    SortKey("seq", AuditEntry.seq, descending=True),
)
"""The order of the entries about a person."""

SIGNED_IN: Final = "account.signed_in"
"""Recorded by Academe, because nobody is known before it, and yet the person's own doing."""

ACADEME: Final = "Academe itself"
NOBODY: Final = "Somebody who was not signed in"
GONE: Final = "Somebody who is not known any more"
YOU: Final = "You"


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """What was asked for: reads or changes, between two days (both inclusive, UTC), and whether one's own count too."""

    kind: EntryKind | None = None
    since: date | None = None
    until: date | None = None
    with_own: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """One entry: when, who in which roles did what, and what for. `roles` are those held at that time."""

    id: UUID
    at: datetime
    kind: EntryKind
    who: str
    roles: tuple[str, ...]
    what: str
    purpose: str | None


def entries_of(person_id: UUID, wanted: RecordFilter) -> Select[*tuple[Any, ...]]:
    """The entries about the record of a person, as far as the actor may see them."""
    statement = select(
        AuditEntry.id,
        AuditEntry.at,
        AuditEntry.kind,
        AuditEntry.actor_kind,
        AuditEntry.actor_person_id,
        AuditEntry.summary,
        AuditEntry.purpose,
    ).where(AuditEntry.person_id == person_id)
    if wanted.kind is not None:
        statement = statement.where(AuditEntry.kind == wanted.kind)
    if wanted.since is not None:
        statement = statement.where(AuditEntry.at >= datetime.combine(wanted.since, time(), UTC))
    if wanted.until is not None:
        statement = statement.where(AuditEntry.at < datetime.combine(wanted.until + timedelta(days=1), time(), UTC))
    if not wanted.with_own:
        statement = statement.where(
            or_(AuditEntry.actor_person_id.is_(None), AuditEntry.actor_person_id != AuditEntry.person_id),
            AuditEntry.action != SIGNED_IN,
        )
    return statement


async def own_accesses(
    session: ReadSession, person_id: UUID, wanted: RecordFilter, paging: PageRequest
) -> Page[Access]:
    """A page of who looked at the record of the person who asks, or changed it."""
    page = await fetch_page(session, entries_of(person_id, wanted), NEWEST_FIRST, paging, lambda row: row)
    return Page[Any](
        items=await _in_words(session, page.items, person_id),
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )


async def last_accesses(session: ReadSession | Session, person_id: UUID, *, limit: int) -> Sequence[Access]:
    """The last entries about a person by others, for whoever audits."""
    newest = entries_of(person_id, RecordFilter()).order_by(AuditEntry.at.desc(), AuditEntry.seq.desc()).limit(limit)
    return await _in_words(session, (await session.execute(newest)).all(), None)


async def _in_words(
    session: ReadSession | Session, rows: Sequence[Row[*tuple[Any, ...]]], reader: UUID | None
) -> list[Access]:
    """The entries with names: the person concerned may know who acted, though the directory is not theirs."""
    if not rows:
        return []
    entries = cast(array([row.id for row in rows]), ARRAY(Uuid))
    acted = func.who_acted_on_record(entries).table_valued(
        column("entry_id", Uuid), column("display_name", Text), column("roles", ARRAY(Text))
    )
    found = {row.entry_id: row for row in await session.execute(select(acted))}
    return [_shown(row, found.get(row.id), reader) for row in rows]


def _shown(row: Row[*tuple[Any, ...]], acted: Any | None, reader: UUID | None) -> Access:
    who = acted.display_name if acted else GONE
    if row.actor_kind is ActorKind.SYSTEM:
        who = ACADEME
    elif row.actor_kind is ActorKind.ANONYMOUS:
        who = NOBODY
    elif row.actor_person_id == reader:
        who = YOU
    return Access(row.id, row.at, row.kind, who, tuple(acted.roles) if acted else (), row.summary, row.purpose)
