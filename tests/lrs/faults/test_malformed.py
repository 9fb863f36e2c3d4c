"""Requests that a grammar has broken: never a fault of ours, no memory kept, nothing half stored.

ACADEME_FAULT_REQUESTS=10000 makes a long run of it, ACADEME_FAULT_SEED=... repeats one.
"""

import base64
import json
import os
import socket
from collections import Counter
from typing import Final

import pytest

from academe.platform.settings import Settings
from tests.lrs.faults.malformed import Grammar
from tests.lrs.faults.requests import Malformed
from tests.lrs.faults.server import faults_in, new_sender, serving, stored_ids
from tests.lrs.faults.shelf import ForDocument
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.slow

REQUESTS: Final = int(os.environ.get("ACADEME_FAULT_REQUESTS", "1000"))
SEED: Final = int(os.environ.get("ACADEME_FAULT_SEED", "20261121"))
GROWTH_BYTES: Final = 24 * 2**20
"""What caches may still take after the first third; a kibibyte kept of each request would be seen in a long run."""

_SECONDS: Final = 30.0


class Sender:
    """Writes bytes to a socket that no library corrects, and reads the answer."""

    def __init__(self, port: int, authorization: str) -> None:
        self._port, self._authorization = port, authorization
        self._socket: socket.socket | None = None

    def answer(self, request: Malformed) -> tuple[int, bytes]:
        """The status and body; opens the connection again when the server has closed it."""
        headers = {"Host": "lrs", "Authorization": self._authorization} | request.headers
        head = [f"{request.method} /xapi/{request.target} HTTP/1.1"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        head.append(f"Content-Length: {len(request.body)}")
        data = "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n" + request.body
        for _ in range(2):
            fresh = self._socket is None
            try:
                return self._exchanged(data, request.method)
            except (ConnectionError, EOFError):
                self.close()
                if fresh:
                    raise
        raise AssertionError("a fresh connection is tried last")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchanged(self, data: bytes, method: str) -> tuple[int, bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=_SECONDS)
        self._socket.sendall(data)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._received()
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        status = int(lines[0].split()[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        length = 0 if method == "HEAD" or status in (204, 304) else int(headers.get(b"content-length", b"0"))
        while len(body) < length:
            body += self._received()
        if headers.get(b"connection") == b"close" or (b"content-length" not in headers and status not in (204, 304)):
            self.close()
        return status, body

    def _received(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(65_536)
        if not data:
            raise EOFError
        return data


def _acknowledged(request: Malformed, status: int, body: bytes) -> list[str]:
    """The ids that the store says it has, in lower case."""
    if not request.target.startswith("statements"):
        return []
    if request.method == "PUT" and status == 204:
        return [str(request.named).lower()]
    if request.method == "POST" and status == 200 and body.startswith(b"["):
        return [identifier.lower() for identifier in json.loads(body)]
    return []


def test_malformed_requests_do_no_harm(server: ServerOfTests, own_settings: Settings) -> None:
    key, secret = new_sender(own_settings)
    authorization = "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
    statuses: Counter[int] = Counter()
    faults: list[str] = []
    acknowledged: set[str] = set()
    changed: Counter[str] = Counter()
    grammar = Grammar(SEED)
    warm = 0
    with serving(own_settings) as process:
        sender = Sender(process.port, authorization)
        for place, request in enumerate(grammar.requests(REQUESTS)):
            status, body = sender.answer(request)
            statuses[status] += 1
            if status >= 500:
                faults.append(f"{place}: {status} {request.method} {request.target[:200]} {request.body[:300]!r}")
            acknowledged.update(_acknowledged(request, status, body))
            if isinstance(request, ForDocument) and request.change is not None and status == 204:
                grammar.shelf.learn(request.change)
                changed[f"{'form' if '?method=' in request.target else 'plain'} {request.change.verb}"] += 1
            if place == REQUESTS // 3:
                warm = process.resident_bytes()
        grown = process.resident_bytes() - warm
        reading = {"X-Experience-API-Version": "2.0.0"}
        misplaced = grammar.shelf.differences(lambda target: sender.answer(Malformed("GET", target, reading, b"")))
        sender.close()
    assert faults == [], f"seed {SEED}: {len(faults)} faults; {statuses}"
    assert statuses[400] > REQUESTS // 4, "most requests should have been refused"
    assert acknowledged, "some of the requests were valid"
    assert set(changed) == {f"{way} {verb}" for way in ("plain", "form") for verb in ("PUT", "POST", "DELETE")}, changed
    assert len(grammar.shelf), "some document is left to look at"
    assert misplaced == [], f"seed {SEED}: {len(misplaced)} documents are not what was acknowledged"
    assert grown < GROWTH_BYTES, f"{grown / 2**20:.1f} MiB more than after the first third"
    name = str(own_settings.database_url).rpartition("/")[2].partition("?")[0]
    conninfo = server.conninfo(database=name)
    assert faults_in(conninfo) == {}
    stored = stored_ids(conninfo)
    assert len(stored) == len(set(stored))
    assert acknowledged <= set(stored), "an acknowledged statement is not there"
