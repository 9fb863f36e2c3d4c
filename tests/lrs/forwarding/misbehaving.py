"""A store that does what it is told: each request gets the next reply, and the last one is for all that follow."""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    """A request, read whole."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def statements(self) -> list[dict[str, Any]]:
        if not self.headers.get("content-type", "").startswith("multipart/mixed"):
            found: list[dict[str, Any]] = json.loads(self.body)
            return found
        part = self.body.split(b"\r\n\r\n", 1)[1]
        of_part: list[dict[str, Any]] = json.loads(part[: part.index(b"\r\n--")])
        return of_part


Reply = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Misbehaving:
    """The server: `asked` has every request."""

    replies: list[Reply]
    asked: list[Request] = field(default_factory=list)
    endpoint: str = ""
    at_once: int = 0
    most_at_once: int = 0
    open: "set[asyncio.Task[Any]]" = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        try:
            while (request := await _read(reader)) is not None:
                self.asked.append(request)
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                await reply(request, writer)
                self.at_once -= 1
                if writer.is_closing():
                    break
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.at_once = 0
        finally:
            self.open.discard(task)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def answering(status: int, body: object = "", **headers: str) -> Reply:
    """Always the same answer; underscores in the names of headers are hyphens."""

    async def reply(_: Request, writer: asyncio.StreamWriter) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(text.encode())}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + f"\r\n\r\n{text}").encode())

    return reply


async def accepting(request: Request, writer: asyncio.StreamWriter) -> None:
    """Acknowledge everything."""
    await answering(200, [each["id"] for each in request.statements])(request, writer)


def refusing(is_wrong: Callable[[dict[str, Any]], bool], status: int = 400, said: str = "no") -> Reply:
    """Refuse batches with a statement that is wrong, and acknowledge the others."""

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        wrong = any(is_wrong(each) for each in request.statements)
        await (answering(status, said) if wrong else accepting)(request, writer)

    return reply


async def half_closing(request: Request, writer: asyncio.StreamWriter) -> None:
    """Promise more than comes."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n["half')
    await writer.drain()
    writer.close()


async def silent(request: Request, writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.sleep(60)


async def dripping(request: Request, writer: asyncio.StreamWriter) -> None:
    """Answer a byte at a time, so that no single read takes long."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(300):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.2)


@asynccontextmanager
async def misbehaving(*replies: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[Misbehaving]:
    """The server on a free port of this machine; with `tls` under the name localhost."""
    store = Misbehaving(list(replies))
    server = await asyncio.start_server(store.serve, "127.0.0.1", 0, limit=2**24, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    store.endpoint = f"http://127.0.0.1:{port}/xapi" if tls is None else f"https://localhost:{port}/xapi"
    try:
        yield store
    finally:
        server.close()
        for task in store.open:
            task.cancel()
        await asyncio.gather(*store.open, return_exceptions=True)


def is_authorized(request: Request) -> bool:
    return re.fullmatch("Basic [A-Za-z0-9+/=]+", request.headers.get("authorization", "")) is not None
