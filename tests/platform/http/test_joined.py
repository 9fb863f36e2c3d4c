"""What is written in one turn of the event loop is sent in one call, in order, and before the connection closes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import closing

import pytest

from academe.platform.http.joined import JoinedWrites

pytestmark = pytest.mark.anyio


@pytest.fixture
async def both() -> AsyncIterator[tuple[JoinedWrites, socket.socket]]:
    """A transport, and the other end of its connection."""
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    far.setblocking(False)
    with closing(far):
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=near)
        yield JoinedWrites(transport, loop), far
        transport.close()


async def test_two_writes_arrive_together_when_the_turn_ends(both: tuple[JoinedWrites, socket.socket]) -> None:
    transport, far = both
    transport.write(b"head ")
    transport.write(b"body")
    with pytest.raises(BlockingIOError):
        far.recv(100)
    await asyncio.sleep(0)
    assert far.recv(100) == b"head body"


async def test_what_is_large_goes_at_once_behind_what_waits(both: tuple[JoinedWrites, socket.socket]) -> None:
    transport, far = both
    transport.write(b"head ")
    transport.write(b"x" * 70_000)
    assert far.recv(5) == b"head "
    transport.write(b" tail")
    loop, received = asyncio.get_running_loop(), b""
    while len(received) < 70_005:
        received += await loop.sock_recv(far, 100_000)
    assert received == b"x" * 70_000 + b" tail"


async def test_closing_sends_what_waits(both: tuple[JoinedWrites, socket.socket]) -> None:
    transport, far = both
    transport.write(b"the last")
    transport.close()
    loop = asyncio.get_running_loop()
    assert await loop.sock_recv(far, 100) == b"the last"
    assert await loop.sock_recv(far, 100) == b""
    assert transport.is_closing()
