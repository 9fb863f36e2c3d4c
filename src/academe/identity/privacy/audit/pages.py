"""Pages of the audit: the search, one entry, and the check of the chain."""

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.identity.privacy import policy
from academe.identity.privacy.audit.queries import AuditFilter, LastCheck, ListedEntry, PlacedEntry, placed_entry
from academe.identity.privacy.audit.service import found_entries, require_auditing
from academe.identity.privacy.audit.tasks import CheckArguments, check_chain
from academe.identity.privacy.record.pages import day_of
from academe.platform.audit.service import Subject, record_access
from academe.platform.audit.types import EntryKind
from academe.platform.http.dependencies import SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Paging
from academe.platform.http.routing import page_router
from academe.platform.jobs.service import enqueue
from academe.platform.pages import Column, NavigationEntry, TableView, redirect, render

router = page_router("/audit")

NAVIGATION: Final = (NavigationEntry("Audit", "/audit", "eye", visible=policy.audits, section="Institution"),)

_COLUMNS: Final = (
    Column("at", "When"),
    Column("who", "Who"),
    Column("what", "What"),
    Column("whom", "Whose record", hide_below="md"),
    Column("action", "Action", hide_below="lg"),
    Column("seq", "Number", align="end", hide_below="lg"),
)


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The audit as it was asked for, and how the last check of its chain ended."""

    table: TableView[ListedEntry]
    given: dict[str, str]
    check: LastCheck | None
    kinds: tuple[tuple[str, str], ...] = (("", "Everything"), ("read", "Looked at"), ("write", "Changed"))

    def export_href(self, form: str) -> str:
        """Where what is shown is downloaded."""
        query = urlencode({name: value for name, value in self.given.items() if value})
        return f"/audit/export/{form}" + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One entry."""

    placed: PlacedEntry

    @property
    def changes(self) -> list[tuple[str, str]]:
        """What was changed, each with its value or the values before and after."""
        return [(name.replace("_", " ").capitalize(), _said(value)) for name, value in self._changes.items()]

    @property
    def _changes(self) -> dict[str, object]:
        return self.placed.entry.changes or {}


@router.get("")
async def show_audit(
    request: Request,
    actor: SignedIn,
    paging: Paging,
    who: str = "",
    whom: str = "",
    action: str = "",
    kind: str = "",
    subject: str = "",
    since: str = "",
    until: str = "",
) -> Response:
    """The audit of the institution; what the address does not say rightly is left out."""
    wanted = AuditFilter(
        who.strip()[:100],
        whom.strip()[:100],
        action.strip(),
        EntryKind(kind) if kind in set(EntryKind) else None,
        subject.strip(),
        day_of(since),
        day_of(until),
    )
    found, check = await found_entries(database_of(request), actor=actor, wanted=wanted, paging=paging)
    table = TableView(
        "entries",
        request.url,
        _COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    given = {"who": who, "whom": whom, "action": action, "kind": kind, "subject": subject}
    given |= {"since": str(wanted.since or ""), "until": str(wanted.until or "")}
    page = AuditPage(table, given, check)
    return render(request, "identity/privacy/audit.html", page, block="entries")


@router.post("/checks")
async def ask_for_check(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Ask that the chain be checked, and show how far it is."""
    require_auditing(actor)
    job_id = await enqueue(session, actor=actor, job=check_chain, arguments=CheckArguments())
    return redirect(request, f"/jobs/{job_id}")


@router.get("/{entry_id}")
async def show_entry(request: Request, entry_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """One entry with its changes and its place in the chain."""
    require_auditing(actor)
    placed = await placed_entry(session, actor, entry_id)
    entry = placed.entry
    about = Subject("audit_entry", entry.id, entry.institution_id, entry.person_id)
    record_access(session, actor=actor, subject=about, purpose="audit")
    return render(request, "identity/privacy/audit_entry.html", EntryPage(placed))


def _said(value: object) -> str:
    if isinstance(value, list) and len(value) == 2:
        return f"{_text(value[0])} → {_text(value[1])}"
    return _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
