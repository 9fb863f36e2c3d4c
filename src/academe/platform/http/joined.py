"""One system call for an answer: what is written to a connection within one turn of the event loop is sent together.

uvicorn writes head and body one after the other, and uvloop sends each at once: two calls of the kernel, and two
awakenings of who reads, for the smallest answer.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_AT_MOST: Final = 64 * 1024
"""Bytes. What is larger is sent at once, so that a long answer is held back by whoever does not read it."""


class JoinedWrites:
    """A transport whose small writes wait for the end of the turn; everything else is the transport's own."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it at the end of the turn, or now with what waits before it."""
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)
        self._size += len(data)
        if self._size > _AT_MOST:
            self._send()

    def close(self) -> None:
        """Send what waits, and close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._parts:
            parts, self._parts, self._size = self._parts, [], 0
            self._transport.write(b"".join(parts))


class JoiningProtocol(HttpToolsProtocol):
    """uvicorn's protocol of httptools over such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to serve a connection."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
