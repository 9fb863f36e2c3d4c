"""Rotation: a new data key, every field encrypted again, the old keys retired; and data keys under a new master key.

Safe to stop and to repeat at any moment: a run that finds a rotation begun goes on with it. Readers are never in the
way, and retired keys stay able to decrypt, so that a process which has not yet noticed the new key loses nothing: the
next run finds what it wrote.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Column,
    LargeBinary,
    MetaData,
    Table,
    and_,
    bindparam,
    func,
    not_,
    null,
    select,
    type_coerce,
    update,
)
from sqlalchemy.sql.expression import ColumnElement

from academe.platform.actor import Actor, system_actor
from academe.platform.clock import now
from academe.platform.database.keyring import Keyring, context_of, keyring_of
from academe.platform.database.person_keys import context_of as context_of_person
from academe.platform.database.session import Database
from academe.platform.encryption.columns import (
    HEADER_BYTES,
    PERSON_VERSION,
    EncryptedText,
    PersonText,
    decrypt,
    encrypt,
    encrypt_for,
    header,
)
from academe.platform.encryption.models import EncryptionKey, PersonKey

BATCH: Final = 500

_ACTOR: Final[Actor] = system_actor("rotation of encryption keys")


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did: the key that now encrypts, fields encrypted again, keys retired, keys wrapped again.

    Fields under the key of their person stay as they are. `people` is how many of those keys were wrapped again.
    """

    key: int
    fields: int
    retired: tuple[int, ...]
    rewrapped: tuple[int, ...]
    people: int = 0


async def rotate_keys(
    database: Database, metadata: MetaData, *, report: Callable[[str, int], None] | None = None
) -> Rotation:
    """Encrypt every field of `metadata` with a new key, and wrap every data key with the newest master key.

    `report` is told after each batch the column and how many of its fields are done.
    """
    keyring = keyring_of(database.engine.dialect)
    rewrapped, people = await rewrap_keys(database), await rewrap_person_keys(database)
    key = await _begun_or_new(database, keyring)
    fields = 0
    for table, column in encrypted_columns(metadata):
        fields += await _encrypt_again(database, keyring, table, column, key, report)
    return Rotation(key, fields, await _retire(database, metadata, key), rewrapped, people)


async def rewrap_keys(database: Database) -> tuple[int, ...]:
    """Wrap with the newest master key every data key that an older one wraps; returns their numbers."""
    keyring = keyring_of(database.engine.dialect)
    async with database.transaction(_ACTOR) as session:
        stale = select(EncryptionKey).where(EncryptionKey.master_key != keyring.newest_master_key())
        rows = (await session.scalars(stale.order_by(EncryptionKey.id).with_for_update())).all()
        for row in rows:
            key = keyring.unwrap(row.wrapped, context_of(row.id), row.master_key)
            row.wrapped, row.master_key = keyring.wrap(key, context_of(row.id))
        return tuple(row.id for row in rows)


async def rewrap_person_keys(database: Database) -> int:
    """Wrap with the newest master key every key of a person that an older one wraps; returns how many.

    Behind it a copy of the keys from before is worthless to whoever has not kept the old master key.
    """
    keyring = keyring_of(database.engine.dialect)
    stale = select(PersonKey).where(PersonKey.master_key != keyring.newest_master_key())
    batch = stale.order_by(PersonKey.person_id).limit(BATCH).with_for_update()
    done = 0
    while True:
        async with database.transaction(_ACTOR) as session:
            rows = (await session.scalars(batch)).all()
            for row in rows:
                context = context_of_person(row.person_id)
                row.wrapped, row.master_key = keyring.wrap(
                    keyring.unwrap(row.wrapped, context, row.master_key), context
                )
        if not rows:
            return done
        done += len(rows)


def encrypted_columns(metadata: MetaData) -> Iterator[tuple[Table, Column[Any]]]:
    """Every encrypted column with its table, in the order of names."""
    for table in sorted(metadata.tables.values(), key=lambda each: each.name):
        for column in table.columns:
            if isinstance(column.type, EncryptedText):
                yield table, column


async def _begun_or_new(database: Database, keyring: Keyring) -> int:
    """The newest key, when older ones are still active: an earlier rotation broke off. Otherwise a new key."""
    async with database.transaction(_ACTOR) as session:
        active = (await session.scalars(select(EncryptionKey.id).where(EncryptionKey.retired_at.is_(None)))).all()
    if len(active) > 1:
        keyring.refresh()
        return max(active)
    return keyring.make_key(beside=True)


def _is_stale(column: Column[Any], key: int) -> Any:
    stored = type_coerce(column, LargeBinary)
    if isinstance(column.type, PersonText):
        return and_(column.is_not(None), not_(func.substring(stored, 1, 1) == bytes([PERSON_VERSION])))
    return and_(column.is_not(None), func.substring(stored, 1, HEADER_BYTES) != header(key))


async def _encrypt_again(
    database: Database,
    keyring: Keyring,
    table: Table,
    column: Column[Any],
    key: int,
    report: Callable[[str, int], None] | None,
) -> int:
    place = f"{table.name}.{column.name}"
    keys = list(table.primary_key.columns)
    stored = type_coerce(column, LargeBinary).label("stored")
    # A row that somebody is changing is skipped: it is written with the new key, or found by the last look.
    batch = (
        select(*keys, stored, _owner(table, column).label("owner"))
        .where(_is_stale(column, key))
        .order_by(*keys)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    change = (
        update(table)
        .where(and_(*(each == bindparam(f"key_{each.name}") for each in keys)))
        .values({column.name: bindparam("field", type_=LargeBinary)})
    )
    done = 0
    while True:
        async with database.transaction(_ACTOR) as session:
            rows = (await session.execute(batch)).mappings().all()
            if not rows:
                return done
            parameters = [
                {f"key_{each.name}": row[each.name] for each in keys}
                | {"field": _again(keyring, row["stored"], row["owner"], place)}
                for row in rows
            ]
            await (await session.connection()).execute(change, parameters)
        done += len(rows)
        if report is not None:
            report(place, done)


def _owner(table: Table, column: Column[Any]) -> ColumnElement[Any]:
    """The column with the person whose key is to encrypt; null where a data key does."""
    return table.c[column.type.owner] if isinstance(column.type, PersonText) else null()


def _again(keyring: Keyring, field: bytes, owner: UUID | None, place: str) -> bytes:
    value = decrypt(keyring, field, place=place)
    return encrypt(keyring, value, place=place) if owner is None else encrypt_for(keyring, value, owner, place=place)


async def _retire(database: Database, metadata: MetaData, key: int) -> tuple[int, ...]:
    """Retire the older keys, unless a field still waits for the new one (its row was locked): the next run does it."""
    async with database.transaction(_ACTOR) as session:
        for table, column in encrypted_columns(metadata):
            if (await session.execute(select(select(table).where(_is_stale(column, key)).exists()))).scalar_one():
                return ()
        old = (EncryptionKey.id < key, EncryptionKey.retired_at.is_(None))
        retired = await session.scalars(
            update(EncryptionKey).where(*old).values(retired_at=now()).returning(EncryptionKey.id)
        )
        return tuple(sorted(retired))
