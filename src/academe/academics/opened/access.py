"""The only way to a record that is open in an emergency; every look leaves an entry."""

from uuid import UUID

from academe.academics.opened.queries import WholeRecord, whole_record
from academe.identity.api import known_person, own_opening
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.database.session import Session
from academe.platform.errors import PermissionDeniedError


async def opened_record(session: Session, *, actor: Actor, person_id: UUID) -> WholeRecord:
    """The record of a person whom the actor has opened in an emergency.

    Raises PersonNotFoundError, and PermissionDeniedError for everybody who has not opened it or whose hour is over.
    """
    person = await known_person(session, actor, person_id)
    if await own_opening(session, actor=actor, person_id=person_id) is None:
        raise PermissionDeniedError("This record is not open to you. In an emergency, open it from the person's page.")
    subject = Subject("person", person.id, person.institution_id, person.id)
    record_access(session, actor=actor, subject=subject, purpose="access in an emergency")
    return await whole_record(session, person)
