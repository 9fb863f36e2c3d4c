"""JSON of the import of people: bring a file, confirm it, ask how it went, undo it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Query
from pydantic import BaseModel, Field

from academe.identity import policy
from academe.identity.people_import.files import MOST_FAULTS
from academe.identity.people_import.models import PeopleImport
from academe.identity.people_import.service import import_of, preview_import, stage_people_file
from academe.identity.people_import.tasks import request_import, request_undo
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.problems import ProblemField
from academe.platform.http.routing import api_router, safe_to_repeat

router = api_router("/people/imports", tag="people")


class PeoplePreviewOut(BaseModel):
    """Whom a file would add, or what is wrong with it; nothing has happened yet."""

    import_id: UUID
    new: int
    known: int = Field(description="People who are known by their key already; they stay as they are.")
    faulty_lines: int
    errors: list[ProblemField] = Field(description=f"At most {MOST_FAULTS}.")
    can_be_applied: bool


class PeopleImportOut(BaseModel):
    """An import: its jobs, and what came of them."""

    id: UUID
    file_name: str
    job_id: UUID | None
    result: dict[str, Any] | None = Field(description="How many were added, known already and left out.")
    undo_job_id: UUID | None
    undo_result: dict[str, Any] | None = Field(description="How many were removed, and kept for what.")


class ConfirmIn(BaseModel):
    """Whether lines with faults are left out; without it, a file with faults adds nobody."""

    without_faulty: bool = False


@router.post("", status_code=201)
@safe_to_repeat
async def preview_people(
    actor: SignedIn,
    session: WriteSession,
    content: Annotated[bytes, Body(media_type="text/csv", min_length=1)],
    institution_id: UUID,
    file_name: Annotated[str, Query(max_length=200)] = "people.csv",
) -> PeoplePreviewOut:
    """Bring a CSV file and see whom it would add."""
    permitted = policy.can_register_people(actor, institution_id)
    policy.require(permitted, actor, "Only registrars and administrators may import people.")
    kept = await stage_people_file(
        session, actor=actor, institution_id=institution_id, file_name=file_name, content=content
    )
    _, plan = await preview_import(session, actor=actor, kept=kept)
    return PeoplePreviewOut(
        import_id=kept.id,
        new=len(plan.new),
        known=plan.known,
        faulty_lines=plan.faulty_lines,
        errors=[
            ProblemField(field=error.field, message=error.message, pointer=None, line=error.line)
            for error in plan.shown_errors
        ],
        can_be_applied=plan.can_be_applied,
    )


@router.get("/{import_id}")
async def show(import_id: UUID, actor: SignedIn, session: ReadOnlySession) -> PeopleImportOut:
    """An import and what came of it."""
    return _shown(await import_of(session, actor=actor, import_id=import_id))


@router.post("/{import_id}", status_code=202)
@safe_to_repeat
async def confirm_people(import_id: UUID, body: ConfirmIn, actor: SignedIn, session: WriteSession) -> PeopleImportOut:
    """Apply a file as a job; confirming it again gives the same job."""
    kept = await request_import(session, actor=actor, import_id=import_id, without_faulty=body.without_faulty)
    return _shown(kept)


@router.post("/{import_id}/undo", status_code=202)
@safe_to_repeat
async def undo(import_id: UUID, actor: SignedIn, session: WriteSession) -> PeopleImportOut:
    """Remove whom the import has added and nobody has used since, as a job."""
    return _shown(await request_undo(session, actor=actor, import_id=import_id))


def _shown(kept: PeopleImport) -> PeopleImportOut:
    return PeopleImportOut.model_validate(kept, from_attributes=True)
