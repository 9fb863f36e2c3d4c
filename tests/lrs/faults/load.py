"""Clients that send statements through whatever happens: what is not acknowledged is sent again, as it was."""

import asyncio
import hashlib
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

_HEADERS: Final = {"X-Experience-API-Version": "2.0.0"}
_AGENT: Final = '{"mbox": "mailto:student1@example.com"}'
_LATER: Final = frozenset({503, 507})
_QUIZ: Final = "https://campus.example.edu/quiz/1"
_VOIDED: Final = {"id": "http://adlnet.gov/expapi/verbs/voided"}
_BOUNDARY: Final = "between-parts"


@dataclass
class Sent:
    """What became of the requests: batches of ids that were acknowledged, all ids, answers that should not be.

    `statements` are those of all batches by their ids, `attached` what came with them; `documents` says for each state
    which number was acknowledged last and which was tried last.
    """

    acknowledged: list[tuple[str, ...]] = field(default_factory=list)
    tried: list[tuple[str, ...]] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    statements: dict[str, dict[str, Any]] = field(default_factory=dict)
    attached: dict[str, bytes] = field(default_factory=dict)
    documents: dict[str, tuple[int, int]] = field(default_factory=dict)
    told_later: int = 0
    broken: int = 0


def statements_of(random_: random.Random, previous: Sequence[str]) -> list[dict[str, Any]]:
    """One statement or up to five, each of which writes to every table of the store sooner or later."""
    made = []
    for _ in range(random_.choice((1, 1, 1, 5))):
        number = random_.randrange(50)
        statement: dict[str, Any] = {
            "id": str(uuid4()),
            "actor": {"mbox": f"mailto:student{number}@example.com", "name": f"Student {number}"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "completed"}},
            "object": {"id": f"https://campus.example.edu/quiz/{number}"},
            "context": {
                "instructor": {"mbox": "mailto:grace@example.com"},
                "contextActivities": {"parent": [{"id": "https://campus.example.edu/course/1"}]},
            },
        }
        if previous and random_.random() < 0.2:
            statement["object"] = {"objectType": "StatementRef", "id": random_.choice(previous)}
        made.append(statement)
    return made


def with_attachment(statements: list[dict[str, Any]], data: bytes) -> tuple[bytes, dict[str, str]]:
    """A multipart body of these statements, the first of which now has an attachment, and its headers."""
    sha2 = hashlib.sha256(data).hexdigest()
    statements[0]["attachments"] = [
        {
            "usageType": "http://example.com/essay",
            "display": {"en": "Essay"},
            "contentType": "text/plain",
            "length": len(data),
            "sha2": sha2,
        }
    ]
    described = "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: "
    parts = (
        b"Content-Type: application/json\r\n\r\n" + json.dumps(statements).encode(),
        f"{described}{sha2}\r\n\r\n".encode() + data,
    )
    content = b"".join(f"--{_BOUNDARY}\r\n".encode() + part + b"\r\n" for part in parts)
    content += f"--{_BOUNDARY}--\r\n".encode()
    return content, {"Content-Type": f"multipart/mixed; boundary={_BOUNDARY}"}


async def send_until(
    stop: asyncio.Event, address: str, auth: tuple[str, str], *, clients: int, seed: int, everything: bool = False
) -> Sent:
    """Send from several clients at once until told to stop; each then finishes what it has begun.

    With `everything` there are also batches of 200, attachments, statements that void others, and states.
    """
    sent = Sent()
    writers = (
        _client(stop, address, auth, random.Random(seed + each), sent, everything=everything) for each in range(clients)
    )
    await asyncio.gather(*writers, _reader(stop, address, auth, sent))
    return sent


async def _reader(stop: asyncio.Event, address: str, auth: tuple[str, str], sent: Sent) -> None:
    """Read meanwhile: 503 is an answer to that, 500 is not."""
    state = {"activityId": _QUIZ, "agent": _AGENT}
    asked = (("/statements", {"limit": "3"}), ("/statements", {"agent": _AGENT}), ("/activities/state", state))
    async with httpx.AsyncClient(base_url=f"{address}/xapi", auth=auth, headers=_HEADERS, timeout=20) as client:
        while not stop.is_set():
            for path, parameters in asked:
                try:
                    answer = await client.get(path, params=parameters)
                except httpx.TransportError:
                    sent.broken += 1
                    continue
                if answer.status_code not in (200, 503):
                    sent.unexpected.append(f"GET {path}: {answer.status_code}: {answer.text[:300]}")
                elif answer.status_code == 503 and "Retry-After" not in answer.headers:
                    sent.unexpected.append(f"GET {path}: 503 without Retry-After")
            await asyncio.sleep(0.02)


async def _client(
    stop: asyncio.Event,
    address: str,
    auth: tuple[str, str],
    random_: random.Random,
    sent: Sent,
    *,
    everything: bool,
) -> None:
    previous: list[str] = []
    state = str(uuid4())
    async with httpx.AsyncClient(base_url=f"{address}/xapi", auth=auth, headers=_HEADERS, timeout=20) as client:
        while not stop.is_set():
            if everything and random_.random() < 0.2:
                await _merge_state(client, sent, state)
            statements = statements_of(random_, previous[-20:])
            if everything:
                _enrich(random_, statements, previous)
            ids = tuple(one["id"] for one in statements)
            data = random_.randbytes(2000) if everything and random_.random() < 0.1 else None
            sent.tried.append(ids)
            if await _acknowledged(client, statements, sent, by_put=random_.random() < 0.3, data=data):
                sent.acknowledged.append(ids)
                sent.statements |= {one["id"]: one for one in statements}
                if data is not None:
                    sent.attached[ids[0]] = data
                previous.extend(one["id"] for one in statements if one["verb"] != _VOIDED)
            await asyncio.sleep(0.01)


def _enrich(random_: random.Random, statements: list[dict[str, Any]], previous: list[str]) -> None:
    """Make one of ten batches large, and let one of ten void what this client sent before."""
    if random_.random() < 0.1:
        while len(statements) < 200:
            statements.extend(statements_of(random_, previous[-20:]))
    if len(previous) > 20 and random_.random() < 0.1:
        voided = previous.pop(random_.randrange(len(previous) - 20))
        statements[-1] |= {"verb": _VOIDED, "object": {"objectType": "StatementRef", "id": voided}}


async def _merge_state(client: httpx.AsyncClient, sent: Sent, name: str) -> None:
    """Merge the next number into the state of a client, which nobody else writes; that may be repeated."""
    acknowledged, tried = sent.documents.get(name, (-1, -1))
    number = tried + 1
    sent.documents[name] = (acknowledged, number)
    parameters = {"activityId": _QUIZ, "agent": _AGENT, "stateId": name}
    if await _repeated(lambda: client.post("/activities/state", params=parameters, json={"number": number}), sent):
        sent.documents[name] = (number, number)


async def _acknowledged(
    client: httpx.AsyncClient, statements: list[dict[str, Any]], sent: Sent, *, by_put: bool, data: bytes | None
) -> bool:
    if data is not None:
        content, headers = with_attachment(statements, data)
        return await _repeated(lambda: client.post("/statements", content=content, headers=headers), sent)
    if by_put and len(statements) == 1:
        parameters = {"statementId": statements[0]["id"]}
        return await _repeated(lambda: client.put("/statements", params=parameters, json=statements[0]), sent)
    return await _repeated(lambda: client.post("/statements", json=statements), sent)


async def _repeated(send: Callable[[], Awaitable[httpx.Response]], sent: Sent) -> bool:
    """Send the same until it is acknowledged, for half a minute at the most."""
    for _ in range(300):
        try:
            answer = await send()
        except httpx.TransportError:
            sent.broken += 1
        else:
            if answer.status_code in (200, 204):
                return True
            if answer.status_code not in _LATER:
                sent.unexpected.append(f"{answer.status_code}: {answer.text[:300]}")
                return False
            if "Retry-After" not in answer.headers:
                sent.unexpected.append(f"{answer.status_code} without Retry-After")
            sent.told_later += 1
        await asyncio.sleep(0.1)
    sent.unexpected.append("no acknowledgement for half a minute")
    return False
