"""A served demo institution, a signed-in caller, and load on it: for benchmarks of whole requests."""

import http.client
import json
import multiprocessing
import os
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

from academe.operations.demo.accounts import file_of, read_passwords
from academe.platform.database.embedded import EmbeddedServer
from academe.platform.settings import Settings
from benchmarks.framework import Context

COMMAND: Final = (sys.executable, "-c", "from academe.cli import app; app()")
ADDRESS: Final = re.compile(r"http://([^\s:]+):(\d+)")


@dataclass(frozen=True, slots=True)
class Served:
    """An institution that is served by one process: where, and the settings of its database."""

    host: str
    port: int
    settings: Settings

    def sign_in(self, email: str) -> str:
        """Sign a demo person in; returns the header that carries the session."""
        connection = http.client.HTTPConnection(self.host, self.port)
        form = {"email": email, "password": read_passwords(file_of(self.settings.data_dir))[email], "next": "/"}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"http://{self.host}:{self.port}",
        }
        connection.request("POST", "/sign-in", urllib.parse.urlencode(form), headers)
        answer = connection.getresponse()
        if answer.status != 303:
            raise AssertionError(f"signing in answered {answer.status}")
        cookies = [value.split(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
        return "; ".join(cookies)

    def request(self, method: str, path: str, cookie: str, body: object = None) -> bytes:
        """One request, which must succeed."""
        connection = http.client.HTTPConnection(self.host, self.port)
        headers = {
            "Cookie": cookie,
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Origin": f"http://{self.host}:{self.port}",
        }
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in {200, 201}:
            raise AssertionError(f"{method} {path} answered {answer.status}: {content[:300]!r}")
        return content

    def rate(self, path: str, cookie: str, accept: str, *, connections: int, seconds: float) -> float:
        """Requests a second over kept connections, by a process of its own."""
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nCookie: {cookie}\r\nAccept: {accept}\r\n\r\n"
        ).encode()
        return rate_of(self.host, self.port, [request], connections=connections, seconds=seconds)


def rate_of(host: str, port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> float:
    """Requests a second of whole requests, sent one after the other over kept connections, by a process of its own."""
    spawned = multiprocessing.get_context("spawn")
    with spawned.Pool(1) as pool:
        return pool.apply(_load, (host, port, list(requests), connections, seconds))


@contextmanager
def served_demo(context: Context) -> Iterator[Served]:
    """Build the demo institution in a folder that is removed afterwards, and serve it with one process."""
    with tempfile.TemporaryDirectory(prefix="academe-benchmark-") as folder:
        Path(folder).chmod(0o755)  # the database server's account has to enter it when root runs the benchmark
        settings = Settings(_env_file=None, data_dir=Path(folder), database_url=None)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
        environment |= {"ACADEME_DATA_DIR": folder, "ACADEME_RATE_LIMIT_PER_MINUTE": "100000000"}
        environment |= {"ACADEME_LOG_LEVEL": "WARNING", "NO_COLOR": "1", "COLUMNS": "200"}
        try:
            context.say("Building the demo institution")
            subprocess.run([*COMMAND, "demo", "--no-serve"], env=environment, check=True, stdout=subprocess.DEVNULL)
            server = subprocess.Popen(
                [*COMMAND, "serve", "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True
            )
            try:
                yield Served(*address_said_by(server), settings)
            finally:
                server.terminate()
                server.wait(30)
        finally:
            EmbeddedServer(settings.data_dir / "postgres").stop()


def address_said_by(server: "subprocess.Popen[str]") -> tuple[str, int]:
    """Where a server says that it listens, once it answers there."""
    assert server.stderr is not None
    for line in server.stderr:
        if found := ADDRESS.search(line):
            host, port = "127.0.0.1", int(found[2])
            _wait_until_it_answers(host, port)
            return host, port
    raise AssertionError("the server ended before it said where it listens")


def _wait_until_it_answers(host: str, port: int) -> None:
    for _ in range(240):
        try:
            connection = http.client.HTTPConnection(host, port, timeout=5)
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass  # it listens a moment later
        time.sleep(0.5)
    raise AssertionError("the server does not become ready")


def _load(host: str, port: int, requests: Sequence[bytes], connections: int, seconds: float) -> float:
    """Plain sockets and one selector: an event loop would take twice the time, of cores that the server needs."""
    ends = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        callers = [_Caller(host, port, requests[first:] or requests, selector) for first in range(connections)]
        while selector.get_map():
            for key, _ in selector.select():
                key.data.go_on(ends)
    return sum(caller.count for caller in callers) / seconds


class _Caller:
    """Sends the next request as soon as one is answered; as little work as possible, for it shares the machine."""

    def __init__(self, host: str, port: int, requests: Sequence[bytes], selector: selectors.BaseSelector) -> None:
        self.requests, self.count, self.selector = cycle(requests), 0, selector
        self.received, self.unsent = b"", memoryview(b"")
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        selector.register(self.socket, selectors.EVENT_READ, self)
        self._send(memoryview(next(self.requests)))

    def go_on(self, ends: float) -> None:
        """Do what the socket is ready for."""
        if self.unsent:
            self._send(self.unsent)
            return
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.received = self.received + data if self.received else data
        if not self._is_answered():
            return
        self.received = b""
        self.count += 1
        if time.monotonic() < ends:
            self._send(memoryview(next(self.requests)))
        else:
            self.selector.unregister(self.socket)
            self.socket.close()

    def _send(self, rest: memoryview) -> None:
        """Send what goes; the rest when there is room again."""
        try:
            sent = self.socket.send(rest)
        except BlockingIOError:
            sent = 0
        waited, self.unsent = bool(self.unsent), rest[sent:]
        if bool(self.unsent) != waited:
            wanted = selectors.EVENT_WRITE if self.unsent else selectors.EVENT_READ
            self.selector.modify(self.socket, wanted, self)

    def _is_answered(self) -> bool:
        head = self.received.find(b"\r\n\r\n")
        if head < 0:
            return False
        if not self.received.startswith(b"HTTP/1.1 200"):
            raise AssertionError(self.received.decode(errors="replace"))
        length = _LENGTH(self.received, 0, head)
        assert length is not None
        return len(self.received) == head + 4 + int(length[1])


_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE).search
