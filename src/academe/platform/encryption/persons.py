"""Destroying the key of a person, in the transaction of the caller; and what brings keys back from their file."""

from typing import Final
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from academe.platform.database.keyring import keyring_of
from academe.platform.database.session import ReadSession, Session
from academe.platform.encryption.models import DestroyedPersonKey, PersonKey

LOAD_KEYS: Final = (
    "INSERT INTO person_key SELECT r.person_id, decode(r.wrapped, 'base64'), r.master_key, r.made_at"
    " FROM jsonb_to_recordset(%s) AS r (person_id uuid, wrapped text, master_key text, made_at timestamptz)"
)
"""Loads wrapped keys from a JSON list into a database that has none: for the restore of a backup."""

LOAD_DESTROYED: Final = (
    "INSERT INTO destroyed_person_key SELECT r.person_id, r.destroyed_at"
    " FROM jsonb_to_recordset(%s) AS r (person_id uuid, destroyed_at timestamptz)"
)
"""Loads from a JSON list whose keys were destroyed."""


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
