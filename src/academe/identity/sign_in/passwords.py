"""Passwords: argon2id with the second recommended parameters of RFC 9106 (section 4), off the event loop."""

import os
from functools import cache, partial
from typing import Final

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from academe.identity.errors import WeakPasswordError
from academe.identity.sign_in.breached import BreachedPasswords

MINIMUM_LENGTH: Final = 12
MAXIMUM_LENGTH: Final = 200
"""Longer ones only cost time; NIST SP 800-63B (section 5.1.1.2) asks for 64 or more."""

_HASHER: Final = PasswordHash((Argon2Hasher(time_cost=3, memory_cost=65_536, parallelism=4),))
_threads: CapacityLimiter | None = None


async def require_acceptable(
    password: str, *, email: str, breached: BreachedPasswords, field: str = "password"
) -> None:
    """Raise WeakPasswordError for one that is too short, too long, one letter, the person's own address, or breached.

    There are no rules about kinds of letters: NIST SP 800-63B advises against them.
    """
    if not MINIMUM_LENGTH <= len(password) <= MAXIMUM_LENGTH:
        message = f"Please choose {MINIMUM_LENGTH} to {MAXIMUM_LENGTH} characters."
        raise WeakPasswordError(message, field=field)
    if len(set(password)) < 5:
        raise WeakPasswordError("Please choose a password with more different characters.", field=field)
    lowered, name = email.lower(), email.lower().partition("@")[0]
    if password.lower() in {lowered, name, name * 2}:
        raise WeakPasswordError("Please choose a password that is not your address.", field=field)
    if await breached.has(password):
        message = "This password is known from a theft of passwords elsewhere. Please choose another one."
        raise WeakPasswordError(message, field=field)


async def hashed(password: str) -> str:
    """The argon2id hash of a password, with its parameters and salt."""
    return await to_thread.run_sync(_HASHER.hash, password, limiter=_limiter())


async def verified(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether the password belongs to the stored hash, and a new hash when its parameters are out of date.

    Without a stored hash it takes as long and is never right.
    """
    if len(password) > MAXIMUM_LENGTH:
        password = ""
    check = partial(_HASHER.verify_and_update, password, stored or _decoy())
    right, renewed = await to_thread.run_sync(check, limiter=_limiter())
    return right and stored is not None, renewed if stored is not None else None


@cache
def _decoy() -> str:
    """A hash with today's parameters that no password is checked against in earnest."""
    return _HASHER.hash(os.urandom(16))


def _limiter() -> CapacityLimiter:
    """As many at once as there are processors: each takes 64 MiB and all of one."""
    global _threads  # noqa: PLW0603 - a limiter belongs to a running loop, so it cannot be made at import
    if _threads is None:
        _threads = CapacityLimiter(max(2, os.cpu_count() or 1))
    return _threads
