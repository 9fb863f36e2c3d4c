"""JSON of what guardians see."""

from uuid import UUID

from academe.academics.children.queries import child_for, children_of
from academe.academics.children.schemas import ChildOut, ChildRecordOut
from academe.platform.audit.service import Subject, record_access
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import api_router

router = api_router("/me/children", tag="guardians")


@router.get("")
async def list_children(actor: SignedIn, session: ReadOnlySession) -> list[ChildOut]:
    """Those whom the caller looks after."""
    return [ChildOut.model_validate(each, from_attributes=True) for each in await children_of(session, actor)]


@router.get("/{person_id}")
async def show_child(person_id: UUID, actor: SignedIn, session: WriteSession) -> ChildRecordOut:
    """The record of one of them, as far as it may be seen; leaves an entry in the audit."""
    found = await child_for(session, actor=actor, person_id=person_id)
    subject = Subject("person", person_id, actor.scopes[0].institution_id if actor.scopes else None, person_id)
    record_access(session, actor=actor, subject=subject, purpose="a program's request of a guardian")
    return ChildRecordOut.model_validate(found, from_attributes=True)
