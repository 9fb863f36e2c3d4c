"""What comes back from requests of ours, or does not: read within bounds, and told in words of ours."""

from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from academe.platform import clock
from academe.platform.http.outbound import AddressRefusedError

LONGEST_WISH: Final = timedelta(hours=6)
"""Nobody is waited for longer, whatever they ask for."""


async def read_within(response: httpx.Response, longest: int) -> bytes:
    """The body as it was sent; one of more than `longest` bytes, or without an end, is an error of the protocol."""
    read = bytearray()
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) > longest:
            raise httpx.RemoteProtocolError("the answer is too long")
    return bytes(read)


def beginning(body: bytes, letters: int) -> str:
    """The beginning of a body, for people."""
    return body[: 4 * letters].decode("utf-8", "replace").replace("\x00", "")[:letters].strip()


def unanswered(error: Exception, seconds: float) -> str:
    """Why a request had no answer within its `seconds`: libraries would name addresses and files."""
    match error:
        case AddressRefusedError():
            return str(error)
        case httpx.ConnectTimeout():
            return "It cannot be reached: no connection in time."
        case TimeoutError() | httpx.TimeoutException():
            return f"There was no answer within {seconds:.0f} s."
        case httpx.ConnectError():
            is_tls = "certificate" in str(error).lower() or "ssl" in str(error).lower()
            trouble = "It cannot be reached: no connection or no such name."
            return "Its certificate cannot be trusted." if is_tls else trouble
        case _:
            return "The connection ended before the answer was whole."


def retry_after(response_headers: httpx.Headers) -> timedelta | None:
    """The wait that Retry-After asks for (RFC 9110, 10.2.3), `LONGEST_WISH` at the most; None when nothing is asked."""
    value = response_headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdecimal():
        return min(timedelta(seconds=int(value[:9])), LONGEST_WISH)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(timedelta(0), min(at - clock.now(), LONGEST_WISH))
