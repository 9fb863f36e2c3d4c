"""The column type of sensitive text: encrypted before it leaves the process, decrypted after it comes back.

A stored field is one byte of version, four of the key's number, twelve of nonce, then the ciphertext with its tag. The
column's name is authenticated with it, so that a field copied into another column cannot be read there.
"""

from os import urandom
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from sqlalchemy import Column, Dialect, LargeBinary, Table, event
from sqlalchemy.types import TypeDecorator

from academe.platform.database.keyring import NONCE_BYTES, DecryptionError, Keyring, keyring_of

VERSION: Final = 1
HEADER_BYTES: Final = 5


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


def decrypt(keyring: Keyring, field: bytes, *, place: str) -> str:
    """The text of a field. Raises DecryptionError naming the place, never the content."""
    if len(field) < HEADER_BYTES + NONCE_BYTES or field[0] != VERSION:
        raise DecryptionError(f"A value in {place} is not an encrypted field.")
    key = keyring.key(int.from_bytes(field[1:HEADER_BYTES]))
    nonce, ciphertext = field[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES], field[HEADER_BYTES + NONCE_BYTES :]
    try:
        return key.decrypt(nonce, ciphertext, place.encode()).decode()
    except InvalidTag:
        raise DecryptionError(f"A value in {place} was changed or comes from another column.") from None
