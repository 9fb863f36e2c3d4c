"""The job that erases a person."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from academe.operations.erasure.service import erase_person
from academe.platform.jobs.kinds import JobContext, job


class ErasureArguments(BaseModel):
    """Whom, and why."""

    person_id: UUID
    reason: str


@job("operations.erasure", title="Erasure of a person", lock=lambda arguments: str(arguments.person_id))
async def erase(context: JobContext, arguments: ErasureArguments) -> Mapping[str, Any]:
    """Erase, in the name of who asked."""
    await context.progress(done=0, total=100, message="Forgetting")
    await erase_person(context.database, actor=context.actor, person_id=arguments.person_id, reason=arguments.reason)
    await context.progress(done=100, total=100)
    return {"summary": "The person is erased.", "href": f"/people/{arguments.person_id}"}
