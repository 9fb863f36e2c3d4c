"""Replies to requests of ours: bounds on what is read and waited for, and words without names of machines."""

from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from academe.platform import clock
from academe.platform.http.outbound import AddressRefusedError
from academe.platform.http.replies import LONGEST_WISH, beginning, read_within, retry_after, unanswered

pytestmark = pytest.mark.anyio


def asked(value: str) -> timedelta | None:
    return retry_after(httpx.Headers({"Retry-After": value}))


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "٣"])
def test_what_asks_for_no_wait(value: str) -> None:
    assert retry_after(httpx.Headers([(b"Retry-After", value.encode())])) is None


def test_waits_are_seconds_or_a_moment_and_never_longer_than_six_hours() -> None:
    assert asked(" 120 ") == timedelta(minutes=2)
    assert asked("99999999999999999999") == LONGEST_WISH
    in_an_hour = asked(format_datetime(clock.now() + timedelta(hours=1), usegmt=True))
    assert in_an_hour is not None
    assert timedelta(minutes=59) < in_an_hour <= timedelta(hours=1)
    assert asked("Wed, 21 Oct 2015 07:28:00 GMT") == timedelta(0)
    assert asked("Wed, 21 Oct 2099 07:28:00 GMT") == LONGEST_WISH


async def test_a_body_is_read_up_to_its_bound() -> None:
    response = httpx.Response(200, content=_pieces(3))
    assert await read_within(response, 30) == b"0123456789" * 3
    with pytest.raises(httpx.RemoteProtocolError, match="too long"):
        await read_within(httpx.Response(200, content=_pieces(3)), 29)


async def _pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"0123456789"


def test_the_beginning_is_text_whatever_was_sent() -> None:
    assert beginning(b"  a\x00b\xff", 10) == "ab�"
    assert beginning("äöü".encode(), 2) == "äö"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AddressRefusedError("Not there."), "Not there."),
        (httpx.ConnectTimeout("10.0.0.1"), "no connection in time"),
        (httpx.ReadTimeout("10.0.0.1"), "no answer within 15 s"),
        (TimeoutError(), "no answer within 15 s"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] /etc/ssl"), "certificate cannot be trusted"),
        (httpx.ConnectError("Name or service not known"), "no connection or no such name"),
        (httpx.RemoteProtocolError("peer closed 10.0.0.1"), "ended before the answer was whole"),
    ],
)
def test_failures_are_told_without_addresses_and_files(error: Exception, words: str) -> None:
    told = unanswered(error, 15.0)
    assert words in told
    assert "10.0.0.1" not in told
    assert "/etc" not in told
