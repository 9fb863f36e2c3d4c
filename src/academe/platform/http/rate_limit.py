"""How many requests one visitor may make: token buckets in this process, bounded in number.

A bucket holds a minute's worth of requests and refills evenly, so a page with its fragments may come at once
while the rate over a minute stays below the limit.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

_MOST_BUCKETS: Final = 20_000


class TokenBuckets:
    """One bucket for each key; the least recently used is forgotten when there are more than `most`."""

    def __init__(
        self, per_minute: int, *, most: int = _MOST_BUCKETS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity = float(per_minute)
        self._per_second = per_minute / 60
        self._most = most
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._buckets

    def take(self, key: Hashable) -> float:
        """Take one token: 0 when there was one, else the seconds until there will be."""
        now = self._clock()
        buckets = self._buckets
        tokens, since = buckets.get(key, (self._capacity, now))
        tokens = min(self._capacity, tokens + (now - since) * self._per_second)
        if tokens < 1:
            buckets[key] = (tokens, now)
            return (1 - tokens) / self._per_second
        buckets[key] = (tokens - 1, now)
        buckets.move_to_end(key)
        if len(buckets) > self._most:
            buckets.popitem(last=False)
        return 0.0


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """What tells visitors apart: the IPv4 address, or the /64 that one IPv6 subscriber has whole."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return parsed.packed[:8].hex()
    return address
