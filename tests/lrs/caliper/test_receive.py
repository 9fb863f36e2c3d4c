"""The sensor endpoint: what is answered, and what is handed on to be stored."""

import json
from typing import Any

import pytest

from academe.lrs.caliper.errors import CaliperFault, CaliperVersionError, EnvelopeTypeError
from academe.lrs.http.caliper import configuration, receive
from academe.lrs.http.exchange import Call
from academe.lrs.senders.types import Scope, Sender
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Database
from academe.platform.errors import AcademeError, ServiceUnavailableError
from academe.platform.ids import new_id
from tests.lrs.caliper.samples import CONTEXT, EVERY_PROFILE, SENDER, entity, envelope, submitted

pytestmark = pytest.mark.anyio


class Kept:
    """Stands where statements are stored."""

    def __init__(self, refusal: AcademeError | None = None) -> None:
        self.statements: list[dict[str, Any]] = []
        self.refusal = refusal

    async def __call__(self, statements: list[dict[str, Any]], version: Version) -> None:
        assert version is Version.TWO
        if self.refusal is not None:
            raise self.refusal
        self.statements += statements


def call_with(database: Database, body: bytes | dict[str, Any], content_type: str = "application/json") -> Call:
    sender = Sender(new_id(), "A tool", SENDER, "account:x|y", frozenset({Scope.WRITE_STATEMENTS}))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Call("POST", "caliper", {}, {"content-type": content_type}, raw, Version.TWO, sender, database)


async def test_all_of_an_envelope_is_stored(worker_database: Database) -> None:
    kept = Kept()
    events = [
        {**each, "id": f"urn:uuid:0b9c7fd2-3f3e-4e0b-8f2a-{number:012}"}
        for number, each in enumerate(EVERY_PROFILE.values())
    ]
    page = {"@context": CONTEXT, **entity("Page", "notes/4")}
    answer = await receive(call_with(worker_database, envelope(page, *events)), kept)
    assert (answer.status, answer.body) == (200, b"")
    assert len(kept.statements) == len(EVERY_PROFILE) + 1
    assert kept.statements[0]["actor"] == SENDER
    assert [each["id"] for each in kept.statements[1:]] == [each["id"].removeprefix("urn:uuid:") for each in events]


async def test_an_event_that_is_in_it_twice_is_stored_once(worker_database: Database) -> None:
    kept = Kept()
    await receive(call_with(worker_database, envelope(submitted(), submitted())), kept)
    assert len(kept.statements) == 1


async def test_two_events_with_one_id_are_refused(worker_database: Database) -> None:
    other = submitted() | {"action": "Started"}
    kept = Kept()
    with pytest.raises(CaliperFault) as refused:
        await receive(call_with(worker_database, envelope(submitted(), other)), kept)
    assert refused.value.pointer == "/data/1/id"
    assert kept.statements == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", ""),
        (b"{", ""),
        (b"\xff", ""),
        (b"[]", ""),
        (b"[" * 100_000, ""),
        (b'{"sensor": "\\u0000"}', "/sensor"),
        (json.dumps(envelope(submitted() | {"action": 1})).encode(), "/data/0/action"),
    ],
)
async def test_what_is_no_envelope_is_refused(worker_database: Database, body: bytes, pointer: str) -> None:
    with pytest.raises(CaliperFault) as refused:
        await receive(call_with(worker_database, body), Kept())
    assert refused.value.status == 400
    assert refused.value.title == "This is not valid Caliper"
    assert refused.value.pointer == pointer


async def test_what_cannot_be_kept_as_a_statement_is_refused_where_it_stands(worker_database: Database) -> None:
    deep: Any = 1
    for _ in range(150):
        deep = [deep]
    body = envelope(EVERY_PROFILE["ForumProfile"], submitted() | {"extensions": {"x": deep}})
    body["data"][1]["id"] = "urn:uuid:0b9c7fd2-3f3e-4e0b-8f2a-6b1d1f0c7a12"
    with pytest.raises(CaliperFault, match="nested deeper") as refused:
        await receive(call_with(worker_database, body), Kept())
    assert refused.value.pointer == "/data/1"


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml", "application/ld+json"])
async def test_another_content_type_is_refused(worker_database: Database, content_type: str) -> None:
    with pytest.raises(EnvelopeTypeError) as refused:
        await receive(call_with(worker_database, envelope(submitted()), content_type), Kept())
    assert refused.value.status == 415


async def test_another_version_is_refused(worker_database: Database) -> None:
    with pytest.raises(CaliperVersionError):
        await receive(call_with(worker_database, envelope(submitted(), dataVersion="v3")), Kept())


async def test_what_the_store_refuses_is_not_acknowledged(worker_database: Database) -> None:
    with pytest.raises(ServiceUnavailableError):
        await receive(call_with(worker_database, envelope(submitted())), Kept(ServiceUnavailableError()))


async def test_a_sensor_may_ask_what_is_taken(worker_database: Database) -> None:
    told = json.loads((await configuration(call_with(worker_database, b""))).body)
    assert told["caliperSupportedVersions"][0] == CONTEXT
    assert told["caliperMaximumPayloadSize"] == worker_database.settings.xapi_request_limit_mebibytes * 2**20 // 1000
