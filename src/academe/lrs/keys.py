"""UUIDs for what the standard names by long texts: agents and IRIs.

A key is the BLAKE2b digest of 128 bits (RFC 7693) of the text: it needs no table to be known, is the same in every
process, and an index over it is small.
"""

from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

from academe.platform.database.packed import packed_uuid

_REMEMBERED = 2**16
_LONGEST_REMEMBERED = 512


def key_uuid(text: str) -> UUID:
    """The key of an agent (`xapi.identity.key_of`), verb, activity or other IRI."""
    return UUID(key_text(text))


def key_text(text: str) -> str:
    """The key as 32 hexadecimal digits, which PostgreSQL reads as a UUID."""
    return _short(text) if len(text) <= _LONGEST_REMEMBERED else _digest(text)


def packed_key(text: str) -> bytes:
    """The key as an element of a packed array."""
    return _short_packed(text) if len(text) <= _LONGEST_REMEMBERED else _packed(text)


def _digest(text: str) -> str:
    return _hash(text).hexdigest()


def _packed(text: str) -> bytes:
    return packed_uuid(_hash(text).digest())


def _hash(text: str) -> blake2b:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)


_short = lru_cache(maxsize=_REMEMBERED)(_digest)
_short_packed = lru_cache(maxsize=_REMEMBERED)(_packed)
