"""Clients that send statements through whatever happens: what is not acknowledged is sent again, as it was."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

_HEADERS: Final = {"X-Experience-API-Version": "2.0.0"}
_AGENT: Final = '{"mbox": "mailto:student1@example.com"}'
_LATER: Final = frozenset({503, 507})


@dataclass
class Sent:
    """What became of the requests: batches of ids that were acknowledged, all ids, answers that should not be."""

    acknowledged: list[tuple[str, ...]] = field(default_factory=list)
    tried: list[tuple[str, ...]] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
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


async def send_until(stop: asyncio.Event, address: str, auth: tuple[str, str], *, clients: int, seed: int) -> Sent:
    """Send from several clients at once until told to stop; each then finishes what it has begun."""
    sent = Sent()
    writers = (_client(stop, address, auth, random.Random(seed + each), sent) for each in range(clients))
    await asyncio.gather(*writers, _reader(stop, address, auth, sent))
    return sent


async def _reader(stop: asyncio.Event, address: str, auth: tuple[str, str], sent: Sent) -> None:
    """Read meanwhile: 503 is an answer to that, 500 is not."""
    state = {"activityId": "https://campus.example.edu/quiz/1", "agent": _AGENT}
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
            await asyncio.sleep(0.02)


async def _client(stop: asyncio.Event, address: str, auth: tuple[str, str], random_: random.Random, sent: Sent) -> None:
    previous: list[str] = []
    async with httpx.AsyncClient(base_url=f"{address}/xapi", auth=auth, headers=_HEADERS, timeout=20) as client:
        while not stop.is_set():
            statements = statements_of(random_, previous[-20:])
            ids = tuple(one["id"] for one in statements)
            sent.tried.append(ids)
            if await _acknowledged(client, statements, sent, by_put=random_.random() < 0.3):
                sent.acknowledged.append(ids)
                previous.extend(ids)
            await asyncio.sleep(0.01)


async def _acknowledged(
    client: httpx.AsyncClient, statements: list[dict[str, Any]], sent: Sent, *, by_put: bool
) -> bool:
    """Send the same until it is acknowledged, for half a minute at the most."""
    for _ in range(300):
        try:
            if by_put and len(statements) == 1:
                parameters = {"statementId": statements[0]["id"]}
                answer = await client.put("/statements", params=parameters, json=statements[0])
            else:
                answer = await client.post("/statements", json=statements)
        except httpx.TransportError:
            sent.broken += 1
        else:
            if answer.status_code in (200, 204):
                return True
            if answer.status_code not in _LATER:
                sent.unexpected.append(f"{answer.status_code}: {answer.text[:300]}")
                return False
            sent.told_later += 1
        await asyncio.sleep(0.1)
    sent.unexpected.append("no acknowledgement for half a minute")
    return False
