"""Pages of the import: choose a file, see what it would change, confirm, and watch it happen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from academe.academics.access import offering_for
from academe.academics.models import Offering
from academe.academics.offering_head import OfferingHead, head_of
from academe.academics.roster_import.files import COLUMNS, LARGEST_FILE_BYTES, MOST_LINES, TEMPLATE
from academe.academics.roster_import.models import RosterUpload
from academe.academics.roster_import.plan import Change, ImportPlan, PlannedStep
from academe.academics.roster_import.service import preview_import, stage_roster_file
from academe.academics.roster_import.tasks import request_import
from academe.platform.actor import Actor
from academe.platform.errors import ConflictError, FieldError, InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.jobs.queries import job_of
from academe.platform.jobs.types import JobStatus
from academe.platform.pages import FormView, redirect, render

router = page_router()

STEPS_SHOWN: Final = 200
"""Lines of a file shown on the preview; the counts are of all of them."""

_ADDRESS: Final = "/offerings/{offering_id}/roster/import"


@dataclass(frozen=True, slots=True)
class ChooseFilePage:
    """The form for a file, with what the file may look like."""

    offering: OfferingHead
    form: FormView
    columns: Sequence[str] = COLUMNS
    most_lines: int = MOST_LINES
    largest_mebibytes: int = LARGEST_FILE_BYTES // 2**20


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """What a file would change, or what is wrong with it."""

    offering: OfferingHead
    href: str
    file_name: str
    counts: Mapping[Change, int]
    steps: Sequence[PlannedStep]
    changes: int
    errors: Sequence[FieldError]
    faults: int
    can_be_applied: bool
    said: str = ""


@dataclass(frozen=True, slots=True)
class ProgressPage:
    """How far the import is, and in the end what it did."""

    offering: OfferingHead
    file_name: str
    status: JobStatus
    progress: int
    message: str
    error: str
    counts: Mapping[str, int]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status.is_over


@router.get("/offerings/{offering_id}/roster/template.csv")
async def download_template(actor: SignedIn, offering_id: UUID) -> Response:  # noqa: ARG001 - the same for every offering
    """A file with the heading alone."""
    headers = {"Content-Disposition": 'attachment; filename="roster-template.csv"'}
    return Response(TEMPLATE, media_type="text/csv; charset=utf-8", headers=headers)


@router.get(_ADDRESS)
async def choose_file(request: Request, offering_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The form for a file."""
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    return _choose(request, actor, offering, FormView())


@router.post(_ADDRESS)
async def upload_file(request: Request, offering_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Keep the file and show what it would change."""
    async with request.form(max_files=1) as form:  # closes the file that the framework keeps on disk
        file = form.get("file")
        name = file.filename or "" if isinstance(file, UploadFile) else ""
        content = await file.read(LARGEST_FILE_BYTES + 1) if isinstance(file, UploadFile) else b""
    fault = "" if name else "Please choose a file."
    if len(content) > LARGEST_FILE_BYTES:
        fault = f"The file is larger than {LARGEST_FILE_BYTES // 2**20} MiB."
    if fault:
        offering = await offering_for(session, actor=actor, offering_id=offering_id)
        return _choose(request, actor, offering, FormView().with_errors([FieldError("file", fault)]), 422)
    upload = await stage_roster_file(session, actor=actor, offering_id=offering_id, file_name=name, content=content)
    return redirect(request, _of_upload(offering_id, upload.id))


@router.get(_ADDRESS + "/{upload_id}")
async def show_preview(
    request: Request, offering_id: UUID, upload_id: UUID, actor: SignedIn, session: ReadOnlySession
) -> Response:
    """What the file would change now; once confirmed, how far it is."""
    offering, upload, plan = await preview_import(session, actor=actor, offering_id=offering_id, upload_id=upload_id)
    if upload.job_id is not None:
        return redirect(request, f"{_of_upload(offering_id, upload_id)}/progress")
    return _preview(request, actor, offering, upload, plan)


@router.post(_ADDRESS + "/{upload_id}")
async def confirm(
    request: Request, offering_id: UUID, upload_id: UUID, actor: SignedIn, session: WriteSession
) -> Response:
    """Apply the file as a job."""
    try:
        await request_import(session, actor=actor, offering_id=offering_id, upload_id=upload_id)
    except (InvalidInputError, ConflictError) as error:
        offering, upload, plan = await preview_import(
            session, actor=actor, offering_id=offering_id, upload_id=upload_id
        )
        return _preview(request, actor, offering, upload, plan, said=error.message, status=error.status)
    return redirect(request, f"{_of_upload(offering_id, upload_id)}/progress")


@router.get(_ADDRESS + "/{upload_id}/progress")
async def show_progress(
    request: Request, offering_id: UUID, upload_id: UUID, actor: SignedIn, session: ReadOnlySession
) -> Response:
    """How far the import is; asks for itself again until it is over."""
    offering, upload, _ = await preview_import(session, actor=actor, offering_id=offering_id, upload_id=upload_id)
    if upload.job_id is None:
        return redirect(request, _of_upload(offering_id, upload_id))
    job = await job_of(session, actor=actor, job_id=upload.job_id)
    shown = ProgressPage(
        offering=head_of(offering, actor, tab="roster"),
        file_name=upload.file_name,
        status=job.status,
        progress=job.progress,
        message=job.message or "",
        error=job.error or "",
        counts=upload.result or {},
    )
    return render(request, "academics/import_progress.html", shown, block="progress")


def _choose(request: Request, actor: Actor, offering: Offering, form: FormView, status: int = 200) -> Response:
    shown = ChooseFilePage(head_of(offering, actor, tab="roster"), form)
    return render(request, "academics/import_file.html", shown, status=status)


def _preview(
    request: Request,
    actor: Actor,
    offering: Offering,
    upload: RosterUpload,
    plan: ImportPlan,
    *,
    said: str = "",
    status: int = 200,
) -> Response:
    shown = PreviewPage(
        offering=head_of(offering, actor, tab="roster"),
        href=_of_upload(offering.id, upload.id),
        file_name=upload.file_name,
        counts=plan.counts,
        steps=plan.changes[:STEPS_SHOWN],
        changes=len(plan.changes),
        errors=plan.errors,
        faults=plan.faults,
        can_be_applied=plan.can_be_applied,
        said=said,
    )
    return render(request, "academics/import_preview.html", shown, status=status)


def _of_upload(offering_id: UUID, upload_id: UUID) -> str:
    return f"/offerings/{offering_id}/roster/import/{upload_id}"
