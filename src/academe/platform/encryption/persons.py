"""Destroying the key of a person, in the transaction of the caller."""

from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from academe.platform.database.keyring import keyring_of
from academe.platform.database.session import ReadSession, Session
from academe.platform.encryption.models import DestroyedPersonKey, PersonKey


async def destroy_person_key(session: Session, *, person_id: UUID) -> None:
    """Make everything unreadable that was encrypted for a person, here and in every backup; for good.

    Needs the system as actor. Repeating it changes nothing.
    """
    await session.execute(delete(PersonKey).where(PersonKey.person_id == person_id))
    await session.execute(insert(DestroyedPersonKey).values(person_id=person_id).on_conflict_do_nothing())
    keyring_of((await session.connection()).dialect).people.forget(person_id)


async def is_key_destroyed(session: Session | ReadSession, person_id: UUID) -> bool:
    """Whether the person's key was destroyed."""
    return bool(await session.scalar(select(exists().where(DestroyedPersonKey.person_id == person_id))))
