"""JSON of a record that is open in an emergency."""

from uuid import UUID

from academe.academics.opened.access import opened_record
from academe.academics.opened.schemas import OpenedRecordOut
from academe.platform.http.dependencies import SignedIn, WriteSession
from academe.platform.http.routing import api_router

router = api_router("/people/{person_id}/record", tag="privacy")


@router.get("")
async def read_opened_record(person_id: UUID, actor: SignedIn, session: WriteSession) -> OpenedRecordOut:
    """The record of a person whom the caller has opened in an emergency; leaves an entry in the audit."""
    found = await opened_record(session, actor=actor, person_id=person_id)
    return OpenedRecordOut.model_validate(found, from_attributes=True)
