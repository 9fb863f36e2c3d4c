"""JSON of the import: bring a file and get what it would change; confirm it and get the job."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Query
from pydantic import BaseModel, Field

from academe.academics.roster_import.plan import Change, ImportPlan
from academe.academics.roster_import.service import preview_import, stage_roster_file
from academe.academics.roster_import.tasks import request_import
from academe.platform.http.dependencies import SignedIn, WriteSession
from academe.platform.http.problems import ProblemField
from academe.platform.http.routing import api_router, safe_to_repeat

router = api_router("/offerings/{offering_id}/roster/import", tag="roster")


class PlannedStepOut(BaseModel):
    """A line that changes something."""

    line: int
    number: str
    change: Change


class ImportPreviewOut(BaseModel):
    """What a file would change, or what is wrong with it; nothing has happened yet."""

    upload_id: UUID
    counts: dict[Change, int]
    changes: list[PlannedStepOut]
    faults: int = Field(description="How many errors there are; at most 200 of them are listed.")
    errors: list[ProblemField]
    can_be_applied: bool


class ImportRequestedOut(BaseModel):
    """The job that applies the file."""

    upload_id: UUID
    job_id: UUID


@router.post("", status_code=201)
@safe_to_repeat
async def preview(
    offering_id: UUID,
    actor: SignedIn,
    session: WriteSession,
    content: Annotated[bytes, Body(media_type="text/csv", min_length=1)],
    file_name: Annotated[str, Query(max_length=200)] = "roster.csv",
) -> ImportPreviewOut:
    """Bring a CSV file and see what it would change."""
    upload = await stage_roster_file(
        session, actor=actor, offering_id=offering_id, file_name=file_name, content=content
    )
    _, _, plan = await preview_import(session, actor=actor, offering_id=offering_id, upload_id=upload.id)
    return _shown(upload.id, plan)


@router.post("/{upload_id}", status_code=202)
@safe_to_repeat
async def confirm(offering_id: UUID, upload_id: UUID, actor: SignedIn, session: WriteSession) -> ImportRequestedOut:
    """Apply a file as a whole, as a job; confirming it again gives the same job."""
    upload = await request_import(session, actor=actor, offering_id=offering_id, upload_id=upload_id)
    assert upload.job_id is not None, "a confirmed file has its job"
    return ImportRequestedOut(upload_id=upload.id, job_id=upload.job_id)


def _shown(upload_id: UUID, plan: ImportPlan) -> ImportPreviewOut:
    return ImportPreviewOut(
        upload_id=upload_id,
        counts=dict(plan.counts),
        changes=[PlannedStepOut(line=step.line, number=step.number, change=step.change) for step in plan.changes],
        faults=plan.faults,
        errors=[
            ProblemField(field=error.field, message=error.message, pointer=None, line=error.line)
            for error in plan.errors
        ],
        can_be_applied=plan.can_be_applied,
    )
