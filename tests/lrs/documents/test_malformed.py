"""Requests put together at random from what is right, nearly right and hostile: answered or refused, never an error."""

import json
import random
from typing import Final

import pytest
from sqlalchemy import select

from academe.lrs.documents.models import XapiDocument
from academe.lrs.documents.types import etag_of
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Session
from academe.platform.errors import AcademeError
from tests.lrs.documents.calls import ACTIVITY, AGENT, NAMES, RESOURCES, Client
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

HOSTILE: Final = (
    *("", "\0", "\ud800", "'; --", "%00", "{}", "[]", "null", "true", "-1", "\u202e", "x" * 100_000, "[" * 50_000),
    *('{"a":' * 5_000, '"\\ud800"', '{"mbox":"mailto:\\u0000@b"}', '{"account":{"homePage":"a:b","name":"\\udfff"}}'),
)
RIGHT: Final = {
    "activityId": (ACTIVITY, "urn:a:b", "https://example.com/ä?q=%20"),
    "agent": (json.dumps(AGENT), '{"mbox":"mailto:ada@example.com"}', '{"openid":"https://ada.example.org/"}'),
    "registration": ("ec531277-b57b-4c15-8d91-d292c5b2b8f7", "EC531277-B57B-4C15-8D91-D292C5B2B8F7"),
    "stateId": ("bookmark", "%", "ä b"),
    "profileId": ("bookmark", "%", "ä b"),
    "since": (
        "2026-11-21T10:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "0001-01-01T00:00:00+14:00",
    ),
}
BODIES: Final = (
    "{}",
    '{"a":1e999}',
    '{"a":1}',
    "[]",
    "",
    "text",
    b"\xff\x00",
    "{" * 9_000,
    "9" * 9_000,
    '{"\\ud800":1}',
)
TYPES: Final = ("application/json", "application/json;charset=x", "text/plain", None, "", "a\nb", "application/jsön")
TAGS: Final = ("*", '"x"', "", 'W/"', '"' * 1_000, '"bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f"', "\xff")


def request(dice: random.Random) -> tuple[str, str, dict[str, str], dict[str, str]]:
    """A resource, a method, parameters and headers."""
    resource = dice.choice(sorted(RESOURCES))
    method = dice.choice(sorted(RESOURCES[resource]))
    known = sorted(RESOURCES[resource][method].parameters)
    needed = set(NAMES.get(resource, known))
    parameters = {
        name: dice.choice(RIGHT[name] if dice.random() < 0.85 else HOSTILE)
        for name in known
        if dice.random() < (0.95 if name in needed else 0.1)
    }
    headers = {name: dice.choice(TAGS) for name in ("if_match", "if_none_match") if dice.random() < 0.25}
    return resource, method, parameters, headers


@pytest.mark.parametrize("seed", range(4))
async def test_never_an_error(session: Session, database: JoinedDatabase, seed: int) -> None:
    dice = random.Random(seed)
    statuses: dict[int, int] = {}
    for number in range(300):
        resource, method, parameters, headers = request(dice)
        client = Client(database, dice.choice(list(Version)))
        body, content_type = dice.choice(BODIES), dice.choice(TYPES if dice.random() < 0.3 else TYPES[:1])
        try:
            answer = await client.ask(method, resource, parameters, body, content_type=content_type, **headers)
            status = answer.status
            assert all(value.isprintable() for value in (answer.content_type, *answer.headers.values()))
        except AcademeError as refusal:
            status = refusal.status
        statuses[status] = statuses.get(status, 0) + 1
        assert status < 500, (seed, number, resource, method, parameters, headers)
    assert {200, 204, 400, 404, 412} <= set(statuses), "the requests are too wild to get anywhere"
    for content, etag in await session.execute(select(XapiDocument.content, XapiDocument.etag)):
        assert etag_of(content) == etag
