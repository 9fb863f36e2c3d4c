"""What looking at the audit leaves behind, its export, and the check of its chain."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from academe.identity.policy import require
from academe.identity.privacy.audit.queries import (
    NEWEST_FIRST,
    VERIFIED,
    AuditFilter,
    LastCheck,
    ListedEntry,
    entries,
    exported,
    last_check,
    listed,
)
from academe.identity.privacy.policy import AUDITORS_ONLY, audits, institutions_to_audit
from academe.platform.actor import Actor
from academe.platform.audit.queries import ChainReport
from academe.platform.audit.service import Subject, record, record_access
from academe.platform.database.session import Database, Session
from academe.platform.http.pagination import Page, PageRequest, fetch_page
from academe.platform.spreadsheet import lines

ROWS_AT_ONCE: Final = 500


def require_auditing(actor: Actor) -> None:
    """Raise unless somebody audits an institution."""
    require(audits(actor), actor, AUDITORS_ONLY)


def record_search(session: Session, *, actor: Actor, wanted: AuditFilter, action: str = "audit.searched") -> None:
    """Leave an entry that somebody went through the audit, by the names of the filters."""
    purpose = f"audit by {', '.join(wanted.named)}" if wanted.named else "audit"
    for institution_id in institutions_to_audit(actor):
        subject = Subject("audit_entry", institution_id, institution_id)
        record_access(session, actor=actor, subject=subject, purpose=purpose, action=action)


async def found_entries(
    database: Database, *, actor: Actor, wanted: AuditFilter, paging: PageRequest
) -> tuple[Page[ListedEntry], LastCheck | None]:
    """A page of the audit, and the last check of its chain. Beginning a search leaves an entry; turning pages none."""
    require_auditing(actor)
    async with database.reading(actor) as session:
        page = await fetch_page(session, entries(actor, wanted), NEWEST_FIRST, paging, listed)
        check = await last_check(session, actor)
    if paging.cursor is None:
        async with database.transaction(actor) as session_to_write:
            record_search(session_to_write, actor=actor, wanted=wanted)
    return page, check


async def export_csv(session: AsyncSession, actor: Actor, wanted: AuditFilter) -> AsyncIterator[str]:
    """The entries as CSV, some hundred lines at a time, the first with the heading."""
    statement = exported(actor, wanted)
    yield lines([[column.name for column in statement.selected_columns]])
    result = await session.stream(statement)
    async for rows in result.partitions(ROWS_AT_ONCE):
        yield lines([[_plain(value) for value in row] for row in rows])


async def export_ndjson(session: AsyncSession, actor: Actor, wanted: AuditFilter) -> AsyncIterator[str]:
    """The entries as one JSON object a line."""
    result = await session.stream(exported(actor, wanted))
    async for rows in result.mappings().partitions(ROWS_AT_ONCE):
        yield "".join(json.dumps(dict(row), ensure_ascii=False, default=_text) + "\n" for row in rows)


def record_check(session: Session, *, actor: Actor, report: ChainReport) -> None:
    """Leave an entry of what a check of the chain found, which is where the page finds it."""
    found = {
        "entries": report.entries,
        "head_seq": report.head_seq,
        "head_hash": report.head_hash.hex(),
        "faults": len(report.faults),
    }
    told = "whole" if report.is_whole else f"{len(report.faults)} faults"
    for institution_id in institutions_to_audit(actor):
        subject = Subject("audit_entry", institution_id, institution_id)
        record(session, actor=actor, action=VERIFIED, subject=subject, summary=f"Chain checked: {told}", changes=found)


def _plain(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else _text(value)


def _text(value: Any) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value if value is None else str(value)
