"""The erasure of a person, asked for by a registrar and done by a job."""

from typing import Final
from uuid import UUID

from academe.identity.api import can_register_people, known_person, require, require_not_held
from academe.identity.models import Person
from academe.operations.erasure.errors import ErasedAlreadyError, NotConfirmedError
from academe.operations.erasure.forgetting import forget_person
from academe.operations.erasure.models import Erasure
from academe.operations.erasure.queries import Preview, erasure_of, preview_of
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record, record_access
from academe.platform.database.session import Database, ReadSession, Session
from academe.platform.errors import FieldError, InvalidInputError, PermissionDeniedError
from academe.platform.files.choice import file_store

KEEPERS_ONLY: Final = "Only registrars and administrators of the institution may erase people."
_SYSTEM: Final = system_actor("erasure of a person")


def about(person: Person) -> Subject:
    """The subject of the entries about an erasure."""
    return Subject("person", person.id, person.institution_id, person.id)


async def erasable(session: Session | ReadSession, *, actor: Actor, person_id: UUID) -> Person:
    """A person whom the actor may erase, unless a hold or an earlier erasure is in the way.

    Raises PersonNotFoundError and PermissionDeniedError; nobody erases themself.
    """
    person = await known_person(session, actor, person_id)
    require(can_register_people(actor, person.institution_id), actor, KEEPERS_ONLY)
    if person.id == actor.person_id:
        raise PermissionDeniedError("Nobody erases themself; another registrar does.")
    return person


async def previewed(database: Database, session: Session, *, actor: Actor, person: Person) -> Preview:
    """What an erasure would take and leave; looking at it leaves an entry."""
    record_access(session, actor=actor, subject=about(person), purpose="erasure")
    async with database.reading(_SYSTEM) as reading:
        return await preview_of(reading, person.id)


async def check_erasure(session: Session, *, actor: Actor, person_id: UUID, reason: str, confirmation: str) -> Person:
    """Refuse what cannot be done, before a job is asked for.

    Raises NotConfirmedError, PersonHeldError, ErasedAlreadyError, InvalidInputError for an empty reason.
    """
    person = await erasable(session, actor=actor, person_id=person_id)
    if await erasure_of(session, person_id):
        raise ErasedAlreadyError
    await require_not_held(session, person_id)
    if not 1 <= len(reason.strip()) <= 1000:
        raise InvalidInputError(errors=[FieldError("reason", "Please give a reason of 1 to 1,000 characters.")])
    if " ".join(confirmation.split()) != " ".join(person.display_name.split()):
        raise NotConfirmedError
    return person


async def erase_person(database: Database, *, actor: Actor, person_id: UUID, reason: str) -> None:
    """Erase a person in one transaction of Academe itself, asked for by `actor`; a repetition changes nothing.

    Raises PersonHeldError when a hold was placed since it was asked for.
    """
    async with database.transaction(actor) as session:
        person = await erasable(session, actor=actor, person_id=person_id)
        if await erasure_of(session, person_id):
            return
        await require_not_held(session, person_id)
        record(session, actor=actor, action="erasure.begun", subject=about(person), summary="Erasure begun")
    async with database.transaction(_SYSTEM, timeout_seconds=0) as session:
        await require_not_held(session, person_id)
        files = await forget_person(session, person_id=person_id, signing_key=database.settings.signing_key)
        erasure = Erasure(institution_id=person.institution_id, person_id=person_id, reason=reason.strip())
        erasure.requested_by = actor.person_id
        session.add(erasure)
        await session.flush()
        record(session, actor=_SYSTEM, action="person.erased", subject=about(person), summary="Person erased")
    for digest in files:
        await file_store(database.settings).delete(digest)
