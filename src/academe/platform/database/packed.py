"""Arrays packed by hand in PostgreSQL's binary form, for statements that store thousands of rows at once.

The driver takes up to 70 us to pack an array of a hundred elements, one element at a time; here a column is joined from
elements that whoever knows the values has packed already, and many of those are the same ones again and again. The form
is that of `array_send` of PostgreSQL: dimensions, whether there are nulls, the element's type, the number of elements
and the first index, then each element behind its length.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import ClassVar, Final

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

NULL: Final = b"\xff\xff\xff\xff"
"""The element that is null."""

_HEAD: Final = Struct("!iiIii").pack
_INTEGER: Final = Struct("!ii").pack
_LENGTH: Final = Struct("!i").pack
_WIDE: Final = Struct("!iq").pack
_FLOAT: Final = Struct("!id").pack
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)


class Packed:
    """An array as a parameter; each subclass is one of a type of elements."""

    __slots__ = ("packed",)
    element: ClassVar[int]
    array: ClassVar[int]

    def __init__(self, elements: Sequence[bytes]) -> None:
        """`elements` are packed by the functions below."""
        self.packed = _HEAD(1, 1, self.element, len(elements), 1) + b"".join(elements)


class Uuids(Packed):
    """An array of `uuid`."""

    __slots__ = ()
    element, array = 2950, 2951


class Times(Packed):
    """An array of `timestamptz`."""

    __slots__ = ()
    element, array = 1184, 1185


class Texts(Packed):
    """An array of `text`."""

    __slots__ = ()
    element, array = 25, 1009


class Floats(Packed):
    """An array of `double precision`."""

    __slots__ = ()
    element, array = 701, 1022


class Integers(Packed):
    """An array of `integer`."""

    __slots__ = ()
    element, array = 23, 1007


class Documents(Packed):
    """An array of `jsonb`."""

    __slots__ = ()
    element, array = 3802, 3807


def packed_uuid(value: bytes) -> bytes:
    """An element of Uuids: the 16 bytes of a UUID."""
    return b"\x00\x00\x00\x10" + value


def packed_time(value: datetime) -> bytes:
    """An element of Times; the time has a zone."""
    return _WIDE(8, (value - _EPOCH) // _TICK)


def packed_text(value: str) -> bytes:
    """An element of Texts."""
    content = value.encode()
    return _LENGTH(len(content)) + content


def packed_float(value: float) -> bytes:
    """An element of Floats."""
    return _FLOAT(8, value)


def packed_integer(value: int) -> bytes:
    """An element of Integers, 32 bits."""
    return _INTEGER(4, value)


def packed_document(value: bytes) -> bytes:
    """An element of Documents: a JSON text in UTF-8."""
    return _LENGTH(len(value) + 1) + b"\x01" + value  # the 1 is the version of jsonb's form


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Packed) -> bytes:
        return obj.packed


for _kind in (Uuids, Times, Texts, Floats, Integers, Documents):
    psycopg.adapters.register_dumper(_kind, type(f"{_kind.__name__}Dumper", (_PackedDumper,), {"oid": _kind.array}))
