"""JSON of erasures."""

from uuid import UUID

from pydantic import BaseModel, Field

from academe.operations.erasure.service import check_erasure
from academe.operations.erasure.tasks import ErasureArguments, erase
from academe.platform.http.dependencies import SignedIn, WriteSession
from academe.platform.http.routing import api_router
from academe.platform.jobs.service import enqueue

router = api_router("/people/{person_id}/erasure", tag="privacy")


class ErasureIn(BaseModel):
    """Why, and the name of the person as it is shown."""

    reason: str = Field(min_length=1, max_length=1000)
    confirmation: str


class ErasureOut(BaseModel):
    """The job that erases."""

    job_id: UUID


@router.post("", status_code=202)
async def ask_for_erasure(person_id: UUID, body: ErasureIn, actor: SignedIn, session: WriteSession) -> ErasureOut:
    """Ask for the erasure of a person; for good."""
    await check_erasure(session, actor=actor, person_id=person_id, reason=body.reason, confirmation=body.confirmation)
    arguments = ErasureArguments(person_id=person_id, reason=body.reason)
    return ErasureOut(job_id=await enqueue(session, actor=actor, job=erase, arguments=arguments))
