"""JSON of the roster, and its CSV."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from academe.academics.access import offering_for, require_roster_of
from academe.academics.models import Enrollment
from academe.academics.roster.export import record_export, roster_csv
from academe.academics.roster.queries import Order, RosterFilter, roster_json
from academe.academics.roster.schemas import EnrolIn, EnrollmentOut, EnrollmentStepIn, RosterItemOut
from academe.academics.roster.service import decide_request, enrol_student, withdraw_student
from academe.academics.types import EnrollmentStatus
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Page, Paging
from academe.platform.http.routing import api_router, page_router, safe_to_repeat

router = api_router("/offerings/{offering_id}/roster", tag="roster")
downloads = page_router()


async def roster_filter(
    status: EnrollmentStatus | None = None,
    search: Annotated[str, Query(max_length=100, description="Part of a number or a name.")] = "",
    order: Order = "number",
    descending: bool = False,
) -> RosterFilter:
    """What the query string asks for."""
    return RosterFilter(status, search.strip(), order, descending)


@router.get("", response_model=Page[RosterItemOut])
async def list_roster(
    offering_id: UUID,
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    shown: Annotated[RosterFilter, Depends(roster_filter)],
) -> Response:
    """A page of the roster; the document is built by PostgreSQL and passed on as it is."""
    document, org_unit_id = await roster_json(session, offering_id, shown, paging)
    # Told by the same statement, which saves one; nothing of the document is sent before this.
    await require_roster_of(session, actor=actor, offering_id=offering_id, org_unit_id=org_unit_id)
    return Response(document, media_type="application/json")


@router.post("", status_code=201)
@safe_to_repeat
async def enrol(offering_id: UUID, body: EnrolIn, actor: SignedIn, session: WriteSession) -> EnrollmentOut:
    """Enrol a student by number."""
    enrollment = await enrol_student(
        session,
        actor=actor,
        offering_id=offering_id,
        student_number=body.student_number,
        effective_on=body.effective_on,
        reason=body.reason,
    )
    return _shown(enrollment)


@router.patch("/{enrollment_id}")
@safe_to_repeat
async def step(
    offering_id: UUID, enrollment_id: UUID, body: EnrollmentStepIn, actor: SignedIn, session: WriteSession
) -> EnrollmentOut:
    """Withdraw a student, or decide a request."""
    if body.status == "withdrawn":
        return _shown(
            await withdraw_student(
                session,
                actor=actor,
                offering_id=offering_id,
                enrollment_id=enrollment_id,
                reason=body.reason,
                effective_on=body.effective_on,
            )
        )
    return _shown(
        await decide_request(
            session,
            actor=actor,
            offering_id=offering_id,
            enrollment_id=enrollment_id,
            approved=body.status == "enrolled",
            reason=body.reason,
        )
    )


@downloads.get("/offerings/{offering_id}/roster.csv")
async def download_roster(request: Request, offering_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """The whole roster as CSV, streamed; taking it away leaves an entry in the audit."""
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    record_export(session, actor=actor, offering=offering)
    database = database_of(request)

    async def body() -> AsyncIterator[str]:
        # The request's own transaction ends before the first byte is sent.
        async with database.reading(actor) as reading:
            async for piece in roster_csv(reading, offering_id):
                yield piece

    name = f"roster-{offering.unit.code}-{offering.term.code}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{_plain(name)}"', "Cache-Control": "no-store"}
    return StreamingResponse(body(), media_type="text/csv; charset=utf-8", headers=headers)


def _plain(name: str) -> str:
    """A file name of characters that need no quoting anywhere."""
    return "".join(
        character if character.isascii() and (character.isalnum() or character in "-.") else "_" for character in name
    )


def _shown(enrollment: Enrollment) -> EnrollmentOut:
    return EnrollmentOut.model_validate(enrollment, from_attributes=True)
