"""The page of a record that is open in an emergency."""

from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.academics.opened.access import opened_record
from academe.academics.opened.queries import WholeRecord
from academe.platform.http.dependencies import SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import render

router = page_router("/people/{person_id}/record")


@dataclass(frozen=True, slots=True)
class OpenedPage:
    """The record."""

    record: WholeRecord


@router.get("")
async def show_opened_record(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Read what was opened; leaves an entry in the audit."""
    found = await opened_record(session, actor=actor, person_id=person_id)
    return render(request, "academics/opened_record.html", OpenedPage(found))
