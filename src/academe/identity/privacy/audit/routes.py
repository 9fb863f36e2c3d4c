"""JSON of the audit, and its export."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from academe.identity.privacy.audit.queries import AuditFilter, placed_entry
from academe.identity.privacy.audit.schemas import CheckOut, EntryOut, PlacedEntryOut
from academe.identity.privacy.audit.service import (
    export_csv,
    export_ndjson,
    found_entries,
    record_search,
    require_auditing,
)
from academe.identity.privacy.audit.tasks import CheckArguments, check_chain
from academe.platform.audit.service import Subject, record_access
from academe.platform.audit.types import EntryKind
from academe.platform.http.dependencies import SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Page, Paging
from academe.platform.http.routing import api_router, page_router, safe_to_repeat
from academe.platform.jobs.service import enqueue

router = api_router("/audit", tag="audit")
downloads = page_router("/audit")


async def audit_filter(
    who: Annotated[str, Query(max_length=100, description="Words of a name, or an id: who acted.")] = "",
    whom: Annotated[str, Query(max_length=100, description="Words of a name, or an id: whose record.")] = "",
    action: Annotated[str, Query(max_length=100, description="An action, or what stands before its dot.")] = "",
    kind: EntryKind | None = None,
    subject: Annotated[str, Query(max_length=100, description="The name of a table, or an id.")] = "",
    since: date | None = None,
    until: date | None = None,
) -> AuditFilter:
    """What the query string asks for."""
    return AuditFilter(who.strip(), whom.strip(), action.strip(), kind, subject.strip(), since, until)


Wanted = Annotated[AuditFilter, Depends(audit_filter)]


@router.get("")
async def list_entries(request: Request, actor: SignedIn, paging: Paging, wanted: Wanted) -> Page[EntryOut]:
    """The audit of the caller's institution, newest first; looking leaves an entry in it."""
    page, _check = await found_entries(database_of(request), actor=actor, wanted=wanted, paging=paging)
    return Page[EntryOut](
        items=[EntryOut.model_validate(each, from_attributes=True) for each in page.items],
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )


@router.post("/checks", status_code=202)
@safe_to_repeat
async def ask_for_check(actor: SignedIn, session: WriteSession) -> CheckOut:
    """Ask that the chain be checked."""
    require_auditing(actor)
    return CheckOut(job_id=await enqueue(session, actor=actor, job=check_chain, arguments=CheckArguments()))


@router.get("/{entry_id}")
async def show_entry(entry_id: UUID, actor: SignedIn, session: WriteSession) -> PlacedEntryOut:
    """One entry with its changes and its place in the chain."""
    require_auditing(actor)
    placed = await placed_entry(session, actor, entry_id)
    entry = placed.entry
    subject = Subject("audit_entry", entry.id, entry.institution_id, entry.person_id)
    record_access(session, actor=actor, subject=subject, purpose="audit")
    return PlacedEntryOut(
        **{
            name: getattr(entry, name)
            for name in PlacedEntryOut.model_fields
            if name not in {"who", "whom", "matches", "head_seq", "prev_hash", "hash"}
        },
        who=placed.who,
        whom=placed.whom,
        prev_hash=entry.prev_hash.hex(),
        hash=entry.hash.hex(),
        matches=placed.matches,
        head_seq=placed.head_seq,
    )


@downloads.get("/export/{form}")
async def export(
    request: Request, form: Literal["csv", "ndjson"], actor: SignedIn, session: WriteSession, wanted: Wanted
) -> Response:
    """The entries with their hashes, streamed; taking them away leaves an entry in the audit."""
    require_auditing(actor)
    record_search(session, actor=actor, wanted=wanted, action="audit.exported")
    database = database_of(request)
    pieces, media = (export_csv, "text/csv") if form == "csv" else (export_ndjson, "application/x-ndjson")

    async def body() -> AsyncIterator[str]:
        # The request's own transaction ends before the first byte is sent.
        async with database.reading(actor, timeout_seconds=300) as reading:
            async for piece in pieces(reading, actor, wanted):
                yield piece

    headers = {"Content-Disposition": f'attachment; filename="audit.{form}"', "Cache-Control": "no-store"}
    return StreamingResponse(body(), media_type=f"{media}; charset=utf-8", headers=headers)
