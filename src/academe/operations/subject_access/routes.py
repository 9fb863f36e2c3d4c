"""JSON of copies."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from academe.operations.subject_access.models import SubjectExport
from academe.operations.subject_access.service import ask_for_export, exports_of, subject_of
from academe.operations.subject_access.tasks import PackArguments, pack
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import api_router
from academe.platform.jobs.service import enqueue

router = api_router("/people/{person_id}/exports", tag="privacy")


class ExportOut(BaseModel):
    """A copy: when it was asked for, until when it is there, and where it is once it is packed."""

    id: UUID
    job_id: UUID | None
    expires_at: datetime
    size: int | None
    href: str | None


@router.get("")
async def list_exports(person_id: UUID, actor: SignedIn, session: ReadOnlySession) -> list[ExportOut]:
    """The copies about a person that the caller may fetch."""
    await subject_of(session, actor=actor, person_id=person_id)
    return [_shown(each) for each in await exports_of(session, person_id)]


@router.post("", status_code=202)
async def ask_for_copy(person_id: UUID, actor: SignedIn, session: WriteSession) -> ExportOut:
    """Ask for a copy of everything that is kept about a person."""
    export = await ask_for_export(session, actor=actor, person_id=person_id)
    export.job_id = await enqueue(session, actor=actor, job=pack, arguments=PackArguments(export_id=export.id))
    return _shown(export)


def _shown(export: SubjectExport) -> ExportOut:
    href = f"/people/{export.person_id}/export/{export.id}/zip" if export.size else None
    return ExportOut(id=export.id, job_id=export.job_id, expires_at=export.expires_at, size=export.size, href=href)
