"""Identifiers made by the application: UUID version 7 (RFC 9562, section 5.7)."""

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last: tuple[int, int] = (0, 0)
_RANDOM_MASK = (1 << 62) - 1


def new_id() -> UUID:
    """A new UUIDv7: 48 bits of Unix milliseconds, then a 12-bit counter, then 62 random bits.

    Ids of one process increase strictly, so that rows made one after the other lie side by side in every index
    (method 1 of RFC 9562, section 6.2; the counter that overflows borrows the next millisecond).
    """
    return new_ids(1)[0]


def new_ids(count: int) -> list[UUID]:
    """As many new ids, in order; what they share is asked for once."""
    global _last  # noqa: PLW0603 - the counter is the one state of this file
    noise = os.urandom(8 * count)
    made: list[UUID] = []
    with _lock:
        milliseconds = time.time_ns() // 1_000_000
        last_milliseconds, counter = _last
        if milliseconds > last_milliseconds:
            last_milliseconds, counter = milliseconds, -1
        for place in range(0, 8 * count, 8):
            counter += 1
            if counter > 0xFFF:
                last_milliseconds, counter = last_milliseconds + 1, 0
            random_bits = int.from_bytes(noise[place : place + 8]) & _RANDOM_MASK
            made.append(
                UUID(int=(last_milliseconds << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | random_bits)
            )
        _last = (last_milliseconds, counter)
    return made
