"""The job that applies a confirmed file."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from academe.academics.roster_import.models import RosterUpload
from academe.academics.roster_import.service import apply_import, confirm_import
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.jobs.kinds import JobContext, job
from academe.platform.jobs.service import enqueue

LONGEST_SECONDS: Final = 300


class ImportArguments(BaseModel):
    """Which file, for which offering."""

    offering_id: UUID
    upload_id: UUID


@job("academics.roster_import", title="Import of a roster", lock=lambda arguments: str(arguments.offering_id))
async def import_roster(context: JobContext, arguments: ImportArguments) -> Mapping[str, Any]:
    """Apply the file in one transaction, in the name of whoever confirmed it."""

    async def progress(done: int, total: int) -> None:
        await context.progress(done=done, total=total, message=f"{done:,} of {total:,} students")

    async with context.database.transaction(context.actor, timeout_seconds=LONGEST_SECONDS) as session:
        return await apply_import(
            session,
            actor=context.actor,
            offering_id=arguments.offering_id,
            upload_id=arguments.upload_id,
            progress=progress,
        )


async def request_import(session: Session, *, actor: Actor, offering_id: UUID, upload_id: UUID) -> RosterUpload:
    """Confirm a file and ask for the job, once however often it is called; raises what `confirm_import` raises."""
    upload = await confirm_import(session, actor=actor, offering_id=offering_id, upload_id=upload_id)
    if upload.job_id is None:
        arguments = ImportArguments(offering_id=offering_id, upload_id=upload_id)
        upload.job_id = await enqueue(session, actor=actor, job=import_roster, arguments=arguments)
        await session.flush()
    return upload
