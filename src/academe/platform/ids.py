"""Identifiers made by the application: UUID version 7 (RFC 9562, section 5.7)."""

import os
import threading
import time
from uuid import UUID

COUNTER_BITS = 12
"""Of the counter behind the milliseconds."""

_lock = threading.Lock()
_last = -1
_COUNTER_MASK = (1 << COUNTER_BITS) - 1
_RANDOM_MASK = (1 << 62) - 1


def new_id() -> UUID:
    """A new UUIDv7: 48 bits of Unix milliseconds, then a 12-bit counter, then 62 random bits.

    Ids of one process increase strictly, so that rows made one after the other lie side by side in every index
    (method 1 of RFC 9562, section 6.2; the counter that overflows borrows the next millisecond).
    """
    return new_ids(1)[0]


def new_ids(count: int) -> list[UUID]:
    """As many new ids, in order; what they share is asked for once."""
    noise = os.urandom(8 * count)
    first = reserve(count)
    made: list[UUID] = []
    for place in range(count):
        moment = first + place
        head = moment >> COUNTER_BITS << 16 | 0x7000 | moment & _COUNTER_MASK
        tail = int.from_bytes(noise[8 * place : 8 * place + 8]) & _RANDOM_MASK | 0b10 << 62
        made.append(UUID(int=head << 64 | tail))
    return made


def reserve(count: int) -> int:
    """The first of `count` consecutive moments that no other id of this process has: milliseconds, then the counter."""
    global _last  # noqa: PLW0603 - the moment of the newest id is the one state of this file
    with _lock:
        first = max(time.time_ns() // 1_000_000 << COUNTER_BITS, _last + 1)
        _last = first + count - 1
    return first
