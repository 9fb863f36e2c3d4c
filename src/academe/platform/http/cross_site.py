"""Defence against cross-site request forgery by what browsers say about where a request comes from.

Fetch Metadata (W3C, Sec-Fetch-Site) decides where it is sent; else the Origin header (RFC 6454) must be our
own host. Programs that authenticate with a bearer token send neither and need neither: no browser adds such a
header on behalf of another site.
"""

from typing import Final
from urllib.parse import urlsplit

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OWN: Final = frozenset({b"same-origin", b"none"})


def comes_from_elsewhere(headers: dict[bytes, bytes], *, has_session: bool) -> bool:
    """Whether an unsafe request must be refused.

    `headers` are the request's, lower-cased; `has_session` says that it carries our session cookie, without
    which a request that says nothing about its origin is harmless.
    """
    if headers.get(b"authorization", b"")[:7].lower() == b"bearer ":
        return False
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in _OWN
    origin = headers.get(b"origin")
    if origin is not None:
        return _host_of(origin) != headers.get(b"host", b"").lower()
    return has_session


def _host_of(origin: bytes) -> bytes:
    """The host and port of an origin as the Host header would have them; empty for `null`."""
    parts = urlsplit(origin.decode("latin-1").lower())
    return parts.netloc.encode("latin-1") if parts.scheme in {"http", "https"} else b""
