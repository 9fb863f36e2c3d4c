"""The entries of the audit, as far as the actor may see them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, or_, select
from sqlalchemy.orm import aliased

from academe.identity.models import Person
from academe.identity.people.queries import DirectoryFilter, people
from academe.identity.privacy.audit.errors import EntryNotFoundError
from academe.identity.privacy.policy import institutions_to_audit
from academe.platform.actor import Actor, ActorKind
from academe.platform.audit.models import AuditChainHead, AuditEntry
from academe.platform.audit.types import EntryKind
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.pagination import SortKey

NEWEST_FIRST: Final = (SortKey("seq", AuditEntry.seq, descending=True),)
"""The order of the audit: that of its chain."""

VERIFIED: Final = "audit.verified"
"""The action of the entry that a check of the chain leaves."""

# The text of which, behind the hash before, the database makes an entry's hash (`audit_entry_hash`).
HASHED: Final = (
    "jsonb_build_array(seq, id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), kind, action,"
    " actor_kind, actor_person_id, actor_label, subject_kind, subject_id, institution_id, person_id, purpose, summary,"
    " changes)::text"
)
_EXPECTED: Final = (
    "audit_entry_hash(prev_hash, seq, id, at, kind, action, actor_kind, actor_person_id, actor_label, subject_kind,"
    " subject_id, institution_id, person_id, purpose, summary, changes)"
)
_ACTING = aliased(Person, name="acting")
_CONCERNED = aliased(Person, name="concerned")


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What was asked for. `who` and `whom` are words of a name or ids; days are inclusive (UTC).

    `action` is one whole, or its beginning up to a dot; `subject` is the name of a table or an id.
    """

    who: str = ""
    whom: str = ""
    action: str = ""
    kind: EntryKind | None = None
    subject: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """What is filtered by, without the values: they can be about people."""
        return tuple(name for name in AuditFilter.__slots__ if getattr(self, name))


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry in the list: `whom` is empty when it concerns no person."""

    id: UUID
    seq: int
    at: datetime
    kind: EntryKind
    action: str
    actor_person_id: UUID | None
    who: str
    person_id: UUID | None
    whom: str
    subject_kind: str
    subject_id: UUID
    purpose: str | None
    summary: str


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """One entry with its changes and its place in the chain, whose head is at `head_seq`."""

    entry: AuditEntry
    who: str
    whom: str
    matches: bool
    head_seq: int


@dataclass(frozen=True, slots=True)
class LastCheck:
    """When the chain was last checked, and what was found."""

    at: datetime
    entries: int
    head_seq: int
    head_hash: str
    faults: int


def entries(actor: Actor, wanted: AuditFilter) -> Select[*tuple[Any, ...]]:
    """The entries for a filter, for `listed`."""
    return (
        select(AuditEntry, _ACTING.display_name, _CONCERNED.display_name)
        .outerjoin(_ACTING, _ACTING.id == AuditEntry.actor_person_id)
        .outerjoin(_CONCERNED, _CONCERNED.id == AuditEntry.person_id)
        .where(*conditions(actor, wanted))
    )


def conditions(actor: Actor, wanted: AuditFilter) -> list[ColumnElement[bool]]:
    """What an entry must be for a filter, and what the actor may see."""
    found: list[ColumnElement[bool]] = [AuditEntry.institution_id.in_(institutions_to_audit(actor))]
    if wanted.who:
        found.append(_is_person(AuditEntry.actor_person_id, actor, wanted.who))
    if wanted.whom:
        found.append(_is_person(AuditEntry.person_id, actor, wanted.whom))
    if wanted.action:
        found.append(
            or_(AuditEntry.action == wanted.action, AuditEntry.action.startswith(wanted.action + ".", autoescape=True))
        )
    if wanted.kind is not None:
        found.append(AuditEntry.kind == wanted.kind)
    if wanted.subject:
        id_ = as_uuid(wanted.subject)
        found.append(AuditEntry.subject_kind == wanted.subject if id_ is None else AuditEntry.subject_id == id_)
    if wanted.since is not None:
        found.append(AuditEntry.at >= datetime.combine(wanted.since, time(), UTC))
    if wanted.until is not None:
        found.append(AuditEntry.at < datetime.combine(wanted.until + timedelta(days=1), time(), UTC))
    return found


def listed(row: Row[*tuple[Any, ...]]) -> ListedEntry:
    """What a row of `entries` shows."""
    entry, who, whom = row[:3]
    return ListedEntry(
        entry.id,
        entry.seq,
        entry.at,
        entry.kind,
        entry.action,
        entry.actor_person_id,
        _who(entry, who),
        entry.person_id,
        whom or ("somebody who is not known any more" if entry.person_id else ""),
        entry.subject_kind,
        entry.subject_id,
        entry.purpose,
        entry.summary,
    )


async def placed_entry(session: Session, actor: Actor, entry_id: UUID) -> PlacedEntry:
    """One entry with its place in the chain; raises EntryNotFoundError."""
    statement = entries(actor, AuditFilter()).where(AuditEntry.id == entry_id)
    matches: ColumnElement[bool] = literal_column(f"audit_entry.hash = ({_qualified(_EXPECTED)})")
    head = select(AuditChainHead.seq).scalar_subquery()
    row = (await session.execute(statement.add_columns(matches, head))).one_or_none()
    if row is None:
        raise EntryNotFoundError("There is no such entry, or it is not of your institution.")
    shown = listed(row)
    return PlacedEntry(row[0], shown.who, shown.whom, row[3], row[4])


async def last_check(session: ReadSession | Session, actor: Actor) -> LastCheck | None:
    """The last check of the chain that somebody of the institution asked for."""
    statement = (
        select(AuditEntry.at, AuditEntry.changes)
        .where(AuditEntry.institution_id.in_(institutions_to_audit(actor)), AuditEntry.action == VERIFIED)
        .order_by(AuditEntry.seq.desc())
        .limit(1)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None or row.changes is None:
        return None
    found = row.changes
    return LastCheck(row.at, found["entries"], found["head_seq"], found["head_hash"], found["faults"])


def as_uuid(value: str) -> UUID | None:
    """The id that a text is, if it is one."""
    try:
        return UUID(value)
    except ValueError:
        return None


def _is_person(column: Any, actor: Actor, words: str) -> ColumnElement[bool]:
    id_ = as_uuid(words)
    if id_ is not None:
        same: ColumnElement[bool] = column == id_
        return same
    found: ColumnElement[bool] = column.in_(people(actor, DirectoryFilter(words)).with_only_columns(Person.id))
    return found


def _who(entry: AuditEntry, name: str | None) -> str:
    if entry.actor_kind is ActorKind.PERSON:
        return name or "somebody who is not known any more"
    return entry.actor_label or entry.actor_kind.value


def _qualified(expression: str) -> str:
    """The arguments of a function with the table's name before each: the persons joined have columns of these names."""
    function, _, rest = expression.partition("(")
    columns = (each.strip() for each in rest.rstrip(")").split(","))
    return f"{function}({', '.join(f'audit_entry.{each}' for each in columns)})"


def hashed_text() -> ColumnElement[str]:
    """For exports: what the hash of an entry was computed from, behind the hash before it."""
    return literal_column(HASHED).label("hashed")


def exported(actor: Actor, wanted: AuditFilter) -> Select[*tuple[Any, ...]]:
    """The entries for a filter with their hashes, in the order of the chain; persons by id."""
    table = AuditEntry.__table__
    hashes = (func.encode(table.c.prev_hash, "hex").label("prev_hash"), func.encode(table.c.hash, "hex").label("hash"))
    columns = [each for each in table.columns if each.name not in {"prev_hash", "hash"}]
    return select(*columns, *hashes, hashed_text()).where(*conditions(actor, wanted)).order_by(table.c.seq)
