"""JSON of masquerade."""

from uuid import UUID

from starlette.requests import Request

from academe.identity.access.masquerade.service import begin_masquerade, behind, end_masquerade
from academe.platform.http.dependencies import SignedIn, WriteSession, database_of
from academe.platform.http.routing import api_router

router = api_router("", tag="people")


@router.post("/people/{person_id}/masquerade", status_code=204)
async def add_masquerade(person_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Act as another person from now on, for an hour at most; for administrators, in a browser's session."""
    await begin_masquerade(session, actor=actor, person_id=person_id)


@router.delete("/me/masquerade", status_code=204)
async def delete_masquerade(request: Request, actor: SignedIn) -> None:
    """Act as oneself again; harmless without a masquerade."""
    if actor.session_id is None:
        return
    async with database_of(request).transaction(behind(actor)) as session:
        await end_masquerade(session, actor=behind(actor))
