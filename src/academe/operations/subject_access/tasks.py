"""The job that packs a copy."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from academe.operations.subject_access.service import pack_export
from academe.platform.jobs.kinds import JobContext, job


class PackArguments(BaseModel):
    """Which copy."""

    export_id: UUID


@job("operations.subject_export", title="Copy of what is kept about a person")
async def pack(context: JobContext, arguments: PackArguments) -> Mapping[str, Any]:
    """Pack the copy, in the name of who asked."""

    async def report(done: int, total: int) -> None:
        await context.progress(done=done, total=total, message="Packing")

    export = await pack_export(context.database, actor=context.actor, export_id=arguments.export_id, report=report)
    return {"summary": "The copy is ready; it is kept for a week.", "href": f"/people/{export.person_id}/export"}
