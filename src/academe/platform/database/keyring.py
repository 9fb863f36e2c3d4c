"""The data keys of encrypted fields, unwrapped in memory: one keyring for each engine.

Envelope encryption: a master key from the settings wraps data keys, which lie in the table `encryption_key`; data keys
encrypt fields with AES-256-GCM (NIST SP 800-38D). The database alone, or the settings alone, open nothing.

A column type works without awaiting, so the keyring reads the table through a short connection of its own: at the
first use, when a field names a key it does not know, and when what it knows is a minute old.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import closing
from os import urandom
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import URL, Dialect
from sqlalchemy.ext.asyncio import AsyncEngine

from academe.platform.database.person_keys import KEY_BITS, PersonKeys
from academe.platform.errors import AcademeError

NONCE_BYTES: Final = 12

_REFRESH_SECONDS: Final = 60.0
_LOCK: Final = 0x6B657973
"""Advisory lock of whoever makes a data key: the letters of "keys"."""


class DecryptionError(AcademeError):
    """An encrypted field cannot be read: it was changed, moved from another column, or its key is missing."""

    status = 500
    title = "An encrypted field cannot be read"


class Keyring:
    """The data keys of one database. `connect` opens a connection to it; `master_keys` come newest first."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], master_keys: Callable[[], tuple[bytes, ...]]
    ) -> None:
        self._connect = connect
        self._master_keys = master_keys
        self._keys: dict[int, AESGCM] = {}
        self._current = 0
        self._read_at = 0.0
        self._guard = threading.Lock()
        self.people = PersonKeys(connect, self.wrap, self.unwrap)

    def current(self) -> tuple[int, AESGCM]:
        """The key that encrypts and its number; made when the database has none."""
        if time.monotonic() - self._read_at > _REFRESH_SECONDS or not self._current:
            self.refresh()
        if not self._current:
            self.make_key()
        return self._current, self._keys[self._current]

    def key(self, number: int) -> AESGCM:
        """The key with this number, retired or not. Raises DecryptionError when there is none."""
        if number not in self._keys:
            self.refresh()
        try:
            return self._keys[number]
        except KeyError:
            raise DecryptionError(f"There is no encryption key {number} in this database.") from None

    def refresh(self) -> None:
        """Read the table of keys again."""
        with self._guard, closing(self._connect()) as connection:
            self._read(connection)

    def make_key(self, *, beside: bool = False) -> int:
        """Make a data key and commit it at once; returns its number.

        Nothing happens when there is a key already, unless a new one is wanted `beside` it, which then encrypts.
        """
        with self._guard, closing(self._connect()) as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            self._read(connection)
            if self._current and not beside:
                return self._current
            number = max(self._keys, default=0) + 1
            wrapped, master_key = self.wrap(AESGCM.generate_key(KEY_BITS), context_of(number))
            connection.execute(
                "INSERT INTO encryption_key (id, wrapped, master_key) VALUES (%s, %s, %s)",
                [number, wrapped, master_key],
            )
            self._read(connection)
            return number

    def wrap(self, key: bytes, context: bytes) -> tuple[bytes, str]:
        """A key wrapped by the newest master key, and that key's fingerprint; `context` says whose key it is."""
        master = self._master_keys()[0]
        nonce = urandom(NONCE_BYTES)
        return nonce + AESGCM(master).encrypt(nonce, key, context), fingerprint(master)

    def unwrap(self, wrapped: bytes, context: bytes, master_key: str) -> bytes:
        """A key from its row. Raises DecryptionError when its master key is not among the settings."""
        named = context.partition(b":")[0].decode().replace("_", " ")
        for master in self._master_keys():
            if fingerprint(master) == master_key:
                try:
                    return AESGCM(master).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
                except InvalidTag:
                    raise DecryptionError(f"A key ({named}) was changed in the database.") from None
        raise DecryptionError(
            f"A key ({named}) is wrapped by master key {master_key}, which is not in"
            " ACADEME_ENCRYPTION_MASTER_KEYS: put it back, after the newer ones."
        )

    def newest_master_key(self) -> str:
        """The fingerprint of the master key that wraps."""
        return fingerprint(self._master_keys()[0])

    def _read(self, connection: psycopg.Connection[Any]) -> None:
        found = connection.execute(
            "SELECT id, wrapped, master_key, retired_at IS NULL FROM encryption_key ORDER BY id"
        ).fetchall()
        for number, wrapped, master_key, _ in found:
            if number not in self._keys:
                self._keys[number] = AESGCM(self.unwrap(bytes(wrapped), context_of(number), master_key))
        self._current = max((number for number, *_, is_active in found if is_active), default=0)
        self._read_at = time.monotonic()


def fingerprint(master_key: bytes) -> str:
    """The name of a master key, from which the key cannot be found."""
    return hashlib.sha256(master_key).hexdigest()[:16]


def context_of(number: int) -> bytes:
    """What is authenticated with the wrapped data key of a number."""
    return b"encryption_key:%d" % number


_keyrings: WeakKeyDictionary[Dialect, Keyring] = WeakKeyDictionary()


def attach_keyring(engine: AsyncEngine, writable: AsyncEngine, master_keys: Callable[[], tuple[bytes, ...]]) -> None:
    """Give an engine its keyring, unless it has one; keys are read and made in the `writable` engine's database."""
    if engine.dialect not in _keyrings:
        _keyrings[engine.dialect] = Keyring(lambda: _connection(writable.url), master_keys)


def _connection(url: URL) -> psycopg.Connection[Any]:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(address, autocommit=True, connect_timeout=5, application_name="academe-keys")
    # Whose key is asked for is nobody's business but Academe's: the table is under row-level security.
    connection.execute("SELECT set_config('academe.actor_kind', 'system', false)")
    return connection


def keyring_of(dialect: Dialect) -> Keyring:
    """The keyring of an engine. Raises LookupError for an engine that no `Database` made."""
    try:
        return _keyrings[dialect]
    except KeyError:
        raise LookupError("this engine has no keyring: encrypted fields need a Database") from None
