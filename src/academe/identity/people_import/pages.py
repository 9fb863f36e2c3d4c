"""Pages of the import of people: choose a file, see what it would add, confirm, watch it happen, and undo it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.models import Person
from academe.identity.people_import.files import COLUMNS, LARGEST_FILE_BYTES, MOST_LINES, TEMPLATE, PersonLine
from academe.identity.people_import.models import PeopleImport
from academe.identity.people_import.plan import PeoplePlan
from academe.identity.people_import.service import (
    import_of,
    imports_of,
    preview_import,
    stage_people_file,
    staying_people,
)
from academe.identity.people_import.tasks import request_import, request_undo
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import ConflictError, FieldError, InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.jobs.models import Job
from academe.platform.jobs.types import JobStatus
from academe.platform.pages import FormView, redirect, render

router = page_router("/people/import")

LINES_SHOWN: Final = 100
IMPORTS_SHOWN: Final = 20
PEOPLE_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class ChoosePage:
    """The form for a file, what it may look like, and the imports before."""

    form: FormView
    imports: Sequence[PeopleImport]
    columns: Sequence[str] = COLUMNS
    most_lines: int = MOST_LINES
    largest_mebibytes: int = LARGEST_FILE_BYTES // 2**20


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """Whom a file would add, and what is wrong with it."""

    href: str
    file_name: str
    plan: PeoplePlan
    shown: Sequence[PersonLine]
    said: str = ""


@dataclass(frozen=True, slots=True)
class ProgressPage:
    """How far an import, or its undoing, is; and in the end what it did."""

    href: str
    file_name: str
    undoing: bool
    status: JobStatus
    progress: int
    message: str
    error: str
    result: Mapping[str, Any]
    has_left_out: bool
    staying: Sequence[Person] = field(default=())

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status.is_over


@router.get("")
async def choose_file(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The form for a file."""
    return await _choose(request, session, actor, FormView())


@router.get("/template.csv")
async def download_template(actor: SignedIn) -> Response:  # noqa: ARG001 - the same for everybody
    """A file with the heading alone."""
    headers = {"Content-Disposition": 'attachment; filename="people-template.csv"'}
    return Response(TEMPLATE, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("")
async def upload_file(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Keep the file and show what it would add."""
    _require(actor)
    async with request.form(max_files=1) as form:  # closes the file that the framework keeps on disk
        file = form.get("file")
        name = file.filename or "" if isinstance(file, UploadFile) else ""
        content = await file.read(LARGEST_FILE_BYTES + 1) if isinstance(file, UploadFile) else b""
    fault = "" if name else "Please choose a file."
    if len(content) > LARGEST_FILE_BYTES:
        fault = f"The file is larger than {LARGEST_FILE_BYTES // 2**20} MiB."
    if fault:
        return await _choose(request, session, actor, FormView().with_errors([FieldError("file", fault)]), 422)
    institution = policy.institutions_to_register(actor)[0]
    kept = await stage_people_file(session, actor=actor, institution_id=institution, file_name=name, content=content)
    return redirect(request, _address(kept.id))


@router.get("/{import_id}")
async def show_preview(request: Request, import_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """Whom the file would add now; once confirmed, how far it is."""
    kept = await import_of(session, actor=actor, import_id=import_id)
    if kept.job_id is not None:
        return redirect(request, f"{_address(import_id)}/progress")
    return await _preview(request, session, actor, kept)


@router.post("/{import_id}")
async def confirm(request: Request, import_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Apply the file as a job."""
    form = await request.form()
    try:
        await request_import(
            session, actor=actor, import_id=import_id, without_faulty=form.get("without_faulty") == "true"
        )
    except (InvalidInputError, ConflictError) as error:
        kept = await import_of(session, actor=actor, import_id=import_id)
        return await _preview(request, session, actor, kept, said=error.message, status=error.status)
    return redirect(request, f"{_address(import_id)}/progress")


@router.get("/{import_id}/left-out.csv")
async def download_left_out(import_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The lines with faults, to be corrected and brought again; each says what is wrong with it."""
    kept = await import_of(session, actor=actor, import_id=import_id)
    content = kept.content
    if kept.result is None:
        file, plan = await preview_import(session, actor=actor, kept=kept)
        content = file.left_out(plan.errors)
    headers = {"Content-Disposition": 'attachment; filename="people-left-out.csv"', "Cache-Control": "no-store"}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/{import_id}/progress")
async def show_progress(request: Request, import_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """How far the import or its undoing is; asks for itself again until it is over."""
    kept = await import_of(session, actor=actor, import_id=import_id)
    undoing = kept.undo_job_id is not None
    job = await session.get(Job, kept.undo_job_id or kept.job_id) if kept.job_id else None
    if kept.job_id is None:
        return redirect(request, _address(import_id))
    result = (kept.undo_result if undoing else kept.result) or {}
    # Another registrar may look at an import, whose job is for whoever asked for it.
    status = job.status if job is not None else (JobStatus.SUCCEEDED if result else JobStatus.RUNNING)
    shown = ProgressPage(
        href=_address(import_id),
        file_name=kept.file_name,
        undoing=undoing,
        status=status,
        progress=job.progress if job is not None else 0,
        message=job.message or "" if job is not None else "",
        error=job.error or "" if job is not None else "",
        result=result,
        has_left_out=bool(kept.content) and bool(result.get("left_out")),
        staying=await _staying(session, kept) if undoing and result.get("kept") else (),
    )
    return render(request, "identity/people_import_progress.html", shown, block="progress")


@router.post("/{import_id}/undo")
async def take_undo(request: Request, import_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Undo the import as a job."""
    await request_undo(session, actor=actor, import_id=import_id)
    return redirect(request, f"{_address(import_id)}/progress")


async def _choose(
    request: Request, session: Session | ReadSession, actor: Actor, form: FormView, status: int = 200
) -> Response:
    _require(actor)
    found = (await session.scalars(imports_of(actor).limit(IMPORTS_SHOWN))).all()
    return render(request, "identity/people_import.html", ChoosePage(form, found), status=status)


async def _preview(
    request: Request,
    session: Session | ReadSession,
    actor: Actor,
    kept: PeopleImport,
    *,
    said: str = "",
    status: int = 200,
) -> Response:
    _, plan = await preview_import(session, actor=actor, kept=kept)
    page = PreviewPage(_address(kept.id), kept.file_name, plan, plan.new[:LINES_SHOWN], said)
    return render(request, "identity/people_import_preview.html", page, status=status)


async def _staying(session: ReadSession, kept: PeopleImport) -> Sequence[Person]:
    some = (await staying_people(session, kept))[:PEOPLE_SHOWN]
    found = [await session.get(Person, person_id) for person_id in some]
    return [person for person in found if person is not None]


def _require(actor: Actor) -> None:
    permitted = bool(policy.institutions_to_register(actor))
    policy.require(permitted, actor, "Only registrars and administrators may import people.")


def _address(import_id: UUID) -> str:
    return f"/people/import/{import_id}"
