"""The keys of people, unwrapped in memory: one key encrypts the fields of one person and can be destroyed alone.

They lie wrapped by a master key in the table `person_key`. A key is made when the first field of its person is
encrypted, and committed at once. Keys are remembered for a minute, so that a page of people asks once; whoever writes
or reads about many asks for all of theirs with `ensure`.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BITS: Final = 256
_REMEMBERED: Final = 10_000
_SECONDS: Final = 60.0

Wrap = Callable[[bytes, bytes], tuple[bytes, str]]
"""Wraps a key for a context by the newest master key; the wrapped key and the fingerprint of the master key."""

Unwrap = Callable[[bytes, bytes, str], bytes]
"""Unwraps a key for a context by the master key with a fingerprint; raises DecryptionError."""

_READ: Final = "SELECT person_id, wrapped, master_key FROM person_key WHERE person_id = ANY (%s::uuid[])"
# The caller may itself hold the row in its transaction, and waits for us: without an end this would stop the process.
_DO_NOT_WAIT: Final = "SET LOCAL lock_timeout = '2s'"
# A key that was destroyed is never made again, whatever a process that has not heard of it tries to write.
_MAKE: Final = (
    "INSERT INTO person_key (person_id, wrapped, master_key)"
    " SELECT made.* FROM unnest(%s::uuid[], %s::bytea[], %s::text[]) AS made (person_id, wrapped, master_key)"
    " WHERE NOT EXISTS (SELECT FROM destroyed_person_key d WHERE d.person_id = made.person_id)"
    " ON CONFLICT DO NOTHING"
)


class PersonKeys:
    """The keys of the people of one database. `connect` opens a connection that acts as Academe itself."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], wrap: Wrap, unwrap: Unwrap) -> None:
        self._connect = connect
        self._wrap = wrap
        self._unwrap = unwrap
        self._known: dict[UUID, tuple[AESGCM, float]] = {}
        self._guard = threading.Lock()

    def get(self, person_id: UUID) -> AESGCM | None:
        """The key of a person; None when it was destroyed or never made."""
        known = self._remembered(person_id)
        if known is None:
            with self._guard, closing(self._connect()) as connection:
                self._read(connection, [person_id])
            known = self._remembered(person_id)
        return known

    def ensure(self, people: Collection[UUID]) -> None:
        """Make the keys that are missing and remember all of them, with two statements however many people.

        Whose key was destroyed gets none. Raises psycopg.errors.LockNotAvailable for somebody whose key another
        transaction, which may be the caller's, is making or destroying.
        """
        wanted = [each for each in people if self._remembered(each) is None]
        if not wanted:
            return
        with self._guard, closing(self._connect()) as connection, connection.transaction():
            connection.execute(_DO_NOT_WAIT)
            self._read(connection, wanted)
            missing = sorted(each for each in set(wanted) if each not in self._known)
            if missing:
                wrapped = [self._wrap(AESGCM.generate_key(KEY_BITS), context_of(each)) for each in missing]
                connection.execute(_MAKE, [missing, [key for key, _ in wrapped], [master for _, master in wrapped]])
                self._read(connection, missing)

    def opener(self, rows: Mapping[UUID, tuple[bytes, str]]) -> Callable[[UUID], AESGCM | None]:
        """The keys of rows that are in no database: wrapped key and fingerprint of the master key, by person."""

        @lru_cache(maxsize=_REMEMBERED)
        def key_of(person_id: UUID) -> AESGCM | None:
            if person_id not in rows:
                return None
            wrapped, master_key = rows[person_id]
            return AESGCM(self._unwrap(wrapped, context_of(person_id), master_key))

        return key_of

    def forget(self, person_id: UUID) -> None:
        """Forget a key that was destroyed."""
        self._known.pop(person_id, None)

    def _remembered(self, person_id: UUID) -> AESGCM | None:
        key, read_at = self._known.get(person_id, (None, 0.0))
        return key if time.monotonic() - read_at < _SECONDS else None

    def _read(self, connection: psycopg.Connection[Any], people: Iterable[UUID]) -> None:
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        wanted = list(people)
        for each in wanted:
            self.forget(each)
        moment = time.monotonic()
        for person_id, wrapped, master_key in connection.execute(_READ, [wanted]):
            key = self._unwrap(bytes(wrapped), context_of(person_id), master_key)
            self._known[person_id] = AESGCM(key), moment


def context_of(person_id: UUID) -> bytes:
    """What is authenticated with the wrapped key of a person, so that no row can stand in for another."""
    return b"person_key:" + person_id.bytes
