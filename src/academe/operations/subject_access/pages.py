"""The page on which a copy is asked for and fetched."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.identity.api import PersonCard, can_register_people
from academe.identity.models import Person
from academe.operations.subject_access.models import SubjectExport
from academe.operations.subject_access.service import ask_for_export, exports_of, fetch_export, subject_of
from academe.operations.subject_access.tasks import PackArguments, pack
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.routing import page_router
from academe.platform.jobs.service import enqueue
from academe.platform.pages import redirect, render

router = page_router("/people/{person_id}/export")
own_router = page_router("/account/copy")


@dataclass(frozen=True, slots=True)
class ExportPage:
    """Whose copies they are, and those that are there."""

    person: Person
    is_own: bool
    exports: Sequence[SubjectExport]


@dataclass(frozen=True, slots=True)
class ExportCard:
    """The way to a copy."""

    person: Person


async def export_card(_session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """The way to a copy, for the person and those who keep records."""
    if person.id != actor.person_id and not can_register_people(actor, person.institution_id):
        return None
    return PersonCard("operations/export_card.html", ExportCard(person))


@own_router.get("")
async def show_own(request: Request, actor: SignedIn) -> Response:
    """One's own copies."""
    return redirect(request, f"/people/{actor.person_id}/export")


@router.get("")
async def show_exports(request: Request, person_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The copies that are there, and the way to another."""
    person = await subject_of(session, actor=actor, person_id=person_id)
    page = ExportPage(person, person.id == actor.person_id, await exports_of(session, person_id))
    return render(request, "operations/export.html", page)


@router.post("")
async def ask(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Ask for a copy."""
    export = await ask_for_export(session, actor=actor, person_id=person_id)
    job_id = await enqueue(session, actor=actor, job=pack, arguments=PackArguments(export_id=export.id))
    export.job_id = job_id
    return redirect(request, f"/jobs/{job_id}", "The copy is being packed.")


@router.get("/{export_id}/zip")
async def download(
    request: Request, person_id: UUID, export_id: UUID, actor: SignedIn, session: WriteSession
) -> Response:
    """The copy as one file."""
    content = await fetch_export(session, database_of(request), actor=actor, export_id=export_id)
    name = f"copy-{person_id.hex[-12:]}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/zip", headers=headers)
