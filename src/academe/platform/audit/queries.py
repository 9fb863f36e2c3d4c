"""Reads the audit: entries about a subject or a person, and whether the chain is whole."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Row, Select, select, text

from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import ReadSession, Session


class Fault(StrEnum):
    """What is wrong at a place in the chain."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"


@dataclass(frozen=True, slots=True)
class ChainFault:
    """One fault: at which entry, what kind, and in words what was found."""

    seq: int
    fault: Fault
    detail: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """How many entries were checked, where the chain ends, and what is wrong with it.

    `head_hash` is worth keeping outside of the database: who rewrites the whole chain cannot rewrite that note.
    """

    entries: int
    head_seq: int
    head_hash: bytes
    faults: tuple[ChainFault, ...]

    @property
    def is_whole(self) -> bool:
        """Nothing was changed, removed or inserted."""
        return not self.faults


# In one pass, and only faults leave the server.
_FAULTS: Final = text(
    "SELECT seq, before, hash <> expected AS is_changed, prev_hash <> coalesce(hash_before, sha256('')) AS is_unlinked"
    " FROM (SELECT seq, hash, prev_hash,"
    " audit_entry_hash(prev_hash, seq, id, at, kind, action, actor_kind, actor_person_id, actor_label, subject_kind,"
    " subject_id, institution_id, person_id, purpose, summary, changes) AS expected,"
    " coalesce(lag(seq) OVER chain, 0) AS before, lag(hash) OVER chain AS hash_before"
    " FROM audit_entry WINDOW chain AS (ORDER BY seq, at, id)) AS entry"
    " WHERE hash <> expected OR seq <> before + 1 OR prev_hash <> coalesce(hash_before, sha256(''))"
    " ORDER BY seq"
)
_ENDS: Final = text(
    "SELECT (SELECT count(*) FROM audit_entry) AS entries, coalesce(head.seq, 0) AS head_seq,"
    " coalesce(head.hash, sha256('')) AS head_hash, coalesce(final.seq, 0) AS final_seq,"
    " coalesce(final.hash, sha256('')) AS final_hash"
    " FROM (VALUES (1)) AS one LEFT JOIN audit_chain_head AS head ON true"
    " LEFT JOIN LATERAL (SELECT seq, hash FROM audit_entry ORDER BY seq DESC LIMIT 1) AS final ON true"
)
_HAS_HASH: Final = text("SELECT EXISTS (SELECT FROM audit_entry WHERE hash = :hash)")


async def verify(session: Session | ReadSession, *, expect_head: bytes | None = None) -> ChainReport:
    """Check every entry against its hash, its predecessor and the head of the chain.

    `expect_head` is a head hash noted earlier: it must still be the hash of an entry. Needs the system as actor, who
    alone sees every entry.
    """
    # The ends first: entries that are chained while the rest is read come after them and are no fault.
    ends = (await session.execute(_ENDS)).one()
    faults = [fault async for row in await session.stream(_FAULTS) for fault in _faults_at(row)]
    faults += _faults_of_ends(ends)
    if expect_head is not None and not (await session.execute(_HAS_HASH, {"hash": expect_head})).scalar_one():
        faults.append(ChainFault(ends.head_seq, Fault.REMOVED, "no entry has the head hash that was expected"))
    return ChainReport(ends.entries, ends.head_seq, bytes(ends.head_hash), tuple(faults))


def _faults_at(row: Row[tuple[int, int, bool, bool]]) -> list[ChainFault]:
    found = []
    if row.is_changed:
        found.append(ChainFault(row.seq, Fault.CHANGED, f"entry {row.seq} does not match its hash"))
    if row.seq > row.before + 1:
        missing = f"{row.before + 1}" if row.seq == row.before + 2 else f"{row.before + 1} to {row.seq - 1}"
        found.append(ChainFault(row.seq, Fault.REMOVED, f"missing before entry {row.seq}: {missing}"))
    elif row.seq <= row.before:
        found.append(ChainFault(row.seq, Fault.INSERTED, f"there is more than one entry {row.seq}"))
    elif row.is_unlinked and not row.is_changed:
        found.append(ChainFault(row.seq, Fault.CHANGED, f"entry {row.seq} does not follow the one before it"))
    return found


def _faults_of_ends(ends: Row[tuple[int, int, bytes, int, bytes]]) -> list[ChainFault]:
    if ends.final_seq < ends.head_seq:
        detail = f"missing at the end: {ends.final_seq + 1} to {ends.head_seq}"
        return [ChainFault(ends.head_seq, Fault.REMOVED, detail)]
    if ends.final_seq > ends.head_seq:
        detail = f"entries after the head of the chain, which is {ends.head_seq}"
        return [ChainFault(ends.final_seq, Fault.INSERTED, detail)]
    if ends.final_hash != ends.head_hash:
        return [ChainFault(ends.final_seq, Fault.CHANGED, "the last entry is not the one the head names")]
    return []


def entries_about(subject_kind: str, subject_id: UUID) -> Select[AuditEntry]:
    """The entries about one thing, newest first, as far as the actor may see them."""
    return (
        select(AuditEntry)
        .where(AuditEntry.subject_kind == subject_kind, AuditEntry.subject_id == subject_id)
        .order_by(AuditEntry.at.desc(), AuditEntry.seq.desc())
    )


def entries_concerning(person_id: UUID) -> Select[AuditEntry]:
    """The entries about the record of one person, newest first, as far as the actor may see them."""
    return (
        select(AuditEntry)
        .where(AuditEntry.person_id == person_id)
        .order_by(AuditEntry.at.desc(), AuditEntry.seq.desc())
    )
