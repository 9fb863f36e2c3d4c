"""Asking for a copy, packing it, and giving it away."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from os import urandom
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, select, update

from academe.identity.api import can_register_people, known_person, require
from academe.identity.models import Person
from academe.operations.subject_access.models import SubjectExport
from academe.operations.subject_access.packing import packed
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record, record_access
from academe.platform.database.discovery import import_models
from academe.platform.database.keyring import NONCE_BYTES, keyring_of
from academe.platform.database.session import Database, ReadSession, Session
from academe.platform.errors import ConflictError, NotFoundError, PermissionDeniedError

KEPT: Final = timedelta(days=7)
"""How long a copy is there to be fetched."""

NOT_YOURS: Final = "A copy is for the person, and for the registrars and administrators of the institution."
_SYSTEM: Final = system_actor("copy of what is kept about a person")


async def subject_of(session: Session | ReadSession, *, actor: Actor, person_id: UUID) -> Person:
    """A person of whom the actor may have a copy. Raises PersonNotFoundError and PermissionDeniedError."""
    person = await known_person(session, actor, person_id)
    permitted = person.id == actor.person_id or can_register_people(actor, person.institution_id)
    require(permitted, actor, NOT_YOURS)
    return person


async def ask_for_export(session: Session, *, actor: Actor, person_id: UUID) -> SubjectExport:
    """Ask for a copy; a job packs it."""
    person = await subject_of(session, actor=actor, person_id=person_id)
    if actor.person_id is None:
        raise PermissionDeniedError(NOT_YOURS)
    export = SubjectExport(person_id=person.id, requested_by=actor.person_id, expires_at=clock.now() + KEPT)
    session.add(export)
    await session.flush()
    record(session, actor=actor, action="subject_export.requested", subject=about(person), summary="Copy asked for")
    return export


async def exports_of(session: Session | ReadSession, person_id: UUID) -> Sequence[SubjectExport]:
    """The copies about a person that the actor may fetch, newest first."""
    wanted = select(SubjectExport).where(SubjectExport.person_id == person_id, SubjectExport.expires_at > clock.now())
    return (await session.scalars(wanted.order_by(SubjectExport.id.desc()))).all()


async def pack_export(
    database: Database, *, actor: Actor, export_id: UUID, report: Callable[[int, int], Awaitable[None]]
) -> SubjectExport:
    """Pack a copy that was asked for, and encrypt it under the key of the person."""
    async with database.reading(actor) as session:
        export = await session.get(SubjectExport, export_id)
        if export is None:
            raise NotFoundError("There is no such copy.")
        await subject_of(session, actor=actor, person_id=export.person_id)
    async with database.reading(_SYSTEM, timeout_seconds=0) as session:
        content = await packed(session, import_models(), export.person_id, report=report)
    nonce = urandom(NONCE_BYTES)
    sealed = nonce + _key(database, export.person_id).encrypt(nonce, content, export.id.bytes)
    async with database.transaction(_SYSTEM) as session:
        values = {"content": sealed, "size": len(content)}
        await session.execute(update(SubjectExport).where(SubjectExport.id == export_id).values(values))
    return export


async def fetch_export(session: Session, database: Database, *, actor: Actor, export_id: UUID) -> bytes:
    """The zip of a copy that is ready. Raises NotFoundError when there is none, or its time is over."""
    wanted = select(SubjectExport.person_id, SubjectExport.content).where(
        SubjectExport.id == export_id,
        SubjectExport.content.is_not(None),
        SubjectExport.expires_at > clock.now(),
    )
    row = (await session.execute(wanted)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such copy, or its time is over: ask for another.")
    person = await subject_of(session, actor=actor, person_id=row.person_id)
    record_access(session, actor=actor, subject=about(person), purpose="subject access", action="subject_export.read")
    content = bytes(row.content)
    try:
        return _key(database, person.id).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], export_id.bytes)
    except InvalidTag:  # it came over from somebody who was merged into the person, whose key it needs
        raise NotFoundError("This copy is of before two people were merged: ask for another.") from None


async def forget_exports(session: Session, *, person_id: UUID | None = None) -> None:
    """Delete the copies whose time is over, or all about one person; as the system."""
    over = SubjectExport.expires_at < clock.now() if person_id is None else SubjectExport.person_id == person_id
    await session.execute(delete(SubjectExport).where(over))


def about(person: Person) -> Subject:
    """The subject of the entries about a copy."""
    return Subject("person", person.id, person.institution_id, person.id)


def _key(database: Database, person_id: UUID) -> AESGCM:
    people = keyring_of(database.engine.dialect).people
    people.ensure([person_id])
    key = people.get(person_id)
    if key is None:
        raise ConflictError("This person was erased.")
    return key
