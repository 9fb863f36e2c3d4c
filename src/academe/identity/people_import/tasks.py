"""The jobs that apply a confirmed file of people, and undo it."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from academe.identity.people_import.models import PeopleImport
from academe.identity.people_import.service import apply_import, confirm_import, confirm_undo, undo_import
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.errors import ConflictError
from academe.platform.jobs.kinds import JobContext, job
from academe.platform.jobs.service import enqueue

LONGEST_SECONDS: Final = 900


class ImportArguments(BaseModel):
    """Which file, and whether its faulty lines are left out."""

    institution_id: UUID
    import_id: UUID
    without_faulty: bool = False


@job("identity.people_import", title="Import of people", lock=lambda arguments: str(arguments.institution_id))
async def import_people(context: JobContext, arguments: ImportArguments) -> Mapping[str, Any]:
    """Add everybody in one transaction, in the name of whoever confirmed it."""

    async def progress(done: int, total: int) -> None:
        await context.progress(done=done, total=total, message=f"{done:,} of {total:,} people")

    async with context.database.transaction(context.actor, timeout_seconds=LONGEST_SECONDS) as session:
        return await apply_import(
            session,
            actor=context.actor,
            import_id=arguments.import_id,
            without_faulty=arguments.without_faulty,
            progress=progress,
        )


@job("identity.people_import_undo", title="Undoing an import", lock=lambda arguments: str(arguments.institution_id))
async def undo_people(context: JobContext, arguments: ImportArguments) -> Mapping[str, Any]:
    """Remove whom the import has added, as far as nobody has used them, in one transaction."""

    async def progress(done: int, total: int) -> None:
        await context.progress(done=done, total=total, message=f"{done:,} of {total:,} people")

    async with context.database.transaction(context.actor, timeout_seconds=LONGEST_SECONDS) as session:
        return await undo_import(session, actor=context.actor, import_id=arguments.import_id, progress=progress)


async def request_import(session: Session, *, actor: Actor, import_id: UUID, without_faulty: bool) -> PeopleImport:
    """Confirm a file and ask for the job, once however often it is called; raises what `confirm_import` raises."""
    kept = await confirm_import(session, actor=actor, import_id=import_id, without_faulty=without_faulty)
    if kept.job_id is None:
        arguments = ImportArguments(
            institution_id=kept.institution_id, import_id=import_id, without_faulty=without_faulty
        )
        kept.job_id = await enqueue(session, actor=actor, job=import_people, arguments=arguments)
        await session.flush()
    return kept


async def request_undo(session: Session, *, actor: Actor, import_id: UUID) -> PeopleImport:
    """Ask for the undoing of an import; again when some have stayed. Raises what `confirm_undo` raises."""
    kept = await confirm_undo(session, actor=actor, import_id=import_id)
    if kept.undo_job_id is not None and kept.undo_result is None:
        raise ConflictError("The import is being undone already.")
    arguments = ImportArguments(institution_id=kept.institution_id, import_id=import_id)
    kept.undo_job_id, kept.undo_result = await enqueue(session, actor=actor, job=undo_people, arguments=arguments), None
    await session.flush()
    return kept
