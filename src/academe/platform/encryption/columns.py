"""The column types of sensitive text: encrypted before it leaves the process, decrypted after it comes back.

A stored field is one byte of version, the key's name, twelve bytes of nonce, then the ciphertext with its tag. In
version 1 the key is a data key, named by four bytes of its number; in version 2 that of a person, named by the sixteen
of their id. Table and column are authenticated with it, so that a field copied elsewhere cannot be read there.
"""

from functools import cache
from os import urandom
from typing import Any, Final, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from sqlalchemy import Column, Connection, Dialect, LargeBinary, Table, event, inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.types import TypeDecorator

from academe.platform.database.keyring import NONCE_BYTES, DecryptionError, Keyring, keyring_of

VERSION: Final = 1
PERSON_VERSION: Final = 2
HEADER_BYTES: Final = 5
_HEADERS: Final = {VERSION: HEADER_BYTES, PERSON_VERSION: 17}
"""How many bytes stand before the nonce, by version."""


class EncryptedText(TypeDecorator[str]):
    """Text that the database holds encrypted (bytea). It cannot be searched, sorted or compared there."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self) -> None:
        super().__init__()
        self.place: str | None = None

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Encrypt with the current key."""
        return None if value is None else encrypt(keyring_of(dialect), value, place=self._known_place())

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        """Decrypt. Raises DecryptionError for a field that was changed or belongs to another column."""
        return None if value is None else decrypt(keyring_of(dialect), bytes(value), place=self._known_place())

    def _known_place(self) -> str:
        if self.place is None:
            raise LookupError("EncryptedText encrypts for the column it was declared with, and this one has none")
        return self.place


class Owned(str):
    """Text that belongs to a person, under whose key it is encrypted."""

    __slots__ = ("person_id",)
    person_id: UUID

    @classmethod
    def by(cls, person_id: UUID, text: str) -> Self:
        """The text as this person's."""
        owned = cls(text)
        owned.person_id = person_id
        return owned


class PersonText(EncryptedText):
    """Text under the key of the person whose id is in the column `owner` of the same row.

    Objects of the ORM take plain text; statements of their own bind `Owned.by(person_id, text)`.
    """

    cache_ok = True

    def __init__(self, owner: str) -> None:
        super().__init__()
        self.owner = owner

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Encrypt with the person's key. Raises DecryptionError when it was destroyed."""
        if value is None:
            return None
        if not isinstance(value, Owned):
            raise LookupError(f"{self._known_place()} needs Owned text, which says whose it is")
        return encrypt_for(keyring_of(dialect), value, value.person_id, place=self._known_place())


@event.listens_for(Mapper, "before_insert")
@event.listens_for(Mapper, "before_update")
def _say_whose_text(mapper: Mapper[Any], _connection: Connection, row: Any) -> None:
    for attribute, owner in _person_texts(mapper):
        changed = inspect(row).attrs[attribute].history.added
        if changed and changed[0] is not None:
            setattr(row, attribute, Owned.by(getattr(row, owner), changed[0]))


@cache
def _person_texts(mapper: Mapper[Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (mapper.get_property_by_column(column).key, column.type.owner)
        for column in mapper.local_table.columns
        if isinstance(column.type, PersonText)
    )


@event.listens_for(Column, "after_parent_attach")
def _remember_place(column: Column[Any], table: Any) -> None:
    if isinstance(column.type, EncryptedText) and isinstance(table, Table):
        column.type.place = f"{table.name}.{column.name}"


def header(number: int) -> bytes:
    """The first five bytes of every field encrypted with the key of this number."""
    return bytes([VERSION]) + number.to_bytes(4)


def encrypt(keyring: Keyring, value: str, *, place: str) -> bytes:
    """The field for a text; `place` is the name of the table and the column, joined by a dot."""
    number, key = keyring.current()
    nonce = urandom(NONCE_BYTES)
    return header(number) + nonce + key.encrypt(nonce, value.encode(), place.encode())


def encrypt_for(keyring: Keyring, value: str, person_id: UUID, *, place: str) -> bytes:
    """The field for a text of a person. Raises DecryptionError when the person's key was destroyed."""
    keyring.people.ensure([person_id])
    key = keyring.people.get(person_id)
    if key is None:
        raise DecryptionError(f"The key of the person was destroyed: nothing is written to {place} any more.")
    nonce = urandom(NONCE_BYTES)
    header = bytes([PERSON_VERSION]) + person_id.bytes
    return header + nonce + key.encrypt(nonce, value.encode(), place.encode() + person_id.bytes)


def decrypt(keyring: Keyring, field: bytes, *, place: str) -> str:
    """The text of a field. Raises DecryptionError naming the place, never the content."""
    if not field or len(field) < (start := _HEADERS.get(field[0], len(field) + 1)) + NONCE_BYTES:
        raise DecryptionError(f"A value in {place} is not an encrypted field.")
    context = place.encode()
    if field[0] == PERSON_VERSION:
        context += field[1:start]
        key = keyring.people.get(UUID(bytes=field[1:start]))
        if key is None:
            raise DecryptionError(f"The key of a value in {place} was destroyed, and the value with it.")
    else:
        key = keyring.key(int.from_bytes(field[1:start]))
    nonce, ciphertext = field[start : start + NONCE_BYTES], field[start + NONCE_BYTES :]
    try:
        return key.decrypt(nonce, ciphertext, context).decode()
    except InvalidTag:
        raise DecryptionError(f"A value in {place} was changed or comes from another column.") from None
