"""Holding up guesses: failed attempts are counted for an address and a network together, in this process.

Somebody who guesses is held up; the owner of the address, elsewhere, is not. How many addresses one network may try is
limited at the edge (`ACADEME_SIGN_IN_LIMIT_PER_MINUTE`).
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from academe.identity.errors import TooManyAttemptsError

FREE_ATTEMPTS: Final = 5
FIRST_PAUSE_SECONDS: Final = 30.0
LONGEST_PAUSE_SECONDS: Final = 15 * 60.0
FORGOTTEN_AFTER_SECONDS: Final = 60 * 60.0


@dataclass(slots=True)
class _Failures:
    count: int
    last: float
    closed_until: float


class AttemptThrottle:
    """Counts failures; from the fifth on each doubles the pause, from 30 seconds to a quarter of an hour.

    Keeps at most `most` pairs, of which the one that failed longest ago is forgotten first.
    """

    def __init__(self, *, most: int = 20_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def check(self, email: str, network: str) -> None:
        """Raise TooManyAttemptsError while this address is held up for this network."""
        failures = self._failures.get((email.strip().lower(), network))
        if failures is not None and failures.closed_until > self._clock():
            raise TooManyAttemptsError(failures.closed_until - self._clock())

    def failed(self, email: str, network: str) -> None:
        """Count a failed attempt."""
        now = self._clock()
        key = (email.strip().lower(), network)
        known = self._failures.pop(key, None)
        count = 1 if known is None or now - known.last > FORGOTTEN_AFTER_SECONDS else known.count + 1
        beyond = count - FREE_ATTEMPTS
        pause = min(FIRST_PAUSE_SECONDS * 2.0 ** min(beyond, 10), LONGEST_PAUSE_SECONDS) if beyond >= 0 else 0.0
        self._failures[key] = _Failures(count, now, now + pause)
        if len(self._failures) > self._most:
            self._failures.popitem(last=False)

    def succeeded(self, email: str, network: str) -> None:
        """Forget the failures of an address from a network that has proved to know the password."""
        self._failures.pop((email.strip().lower(), network), None)
