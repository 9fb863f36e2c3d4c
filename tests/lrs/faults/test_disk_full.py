"""No space is left, for the database or for files: senders are told so, nothing is half stored, and it passes again.

The database says it as PostgreSQL does, with SQLSTATE 53100, from a trigger in the middle of the store's transaction.
"""

import asyncio
import errno
import hashlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from starlette.responses import PlainTextResponse

from academe.lrs.http.endpoint import XapiEndpoint
from academe.platform.database.session import Database
from academe.platform.settings import Settings
from tests.lrs.faults.server import faults_in, new_sender, stored_ids
from tests.lrs.statements.brought import a_statement
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.anyio

FULL = (
    (
        "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"
    ),
    "CREATE TRIGGER no_space BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION no_space()",
)
FREE = ("DROP FUNCTION no_space() CASCADE",)
DATA = b"an essay"


@pytest.fixture
def conninfo(server: ServerOfTests, own_settings: Settings) -> str:
    """The test's own database, as a superuser."""
    name = str(own_settings.database_url).rpartition("/")[2].partition("?")[0]
    return server.conninfo(database=name)


@pytest.fixture
async def client(own_settings: Settings, own_database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A sender that may do everything."""
    app = XapiEndpoint(own_settings, lambda: own_database).edge()(PlainTextResponse("the application"))
    auth = await asyncio.to_thread(new_sender, own_settings)
    headers = {"X-Experience-API-Version": "2.0.0"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://lrs/xapi", auth=auth, headers=headers) as opened:
        yield opened


def _execute(conninfo: str, *statements: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.mark.parametrize(
    "table", ["xapi_statement", "xapi_statement_id", "xapi_statement_agent", "xapi_reference", "xapi_alias_key"]
)
async def test_a_full_database_is_503_and_passes(client: httpx.AsyncClient, conninfo: str, table: str) -> None:
    first = a_statement()
    assert (await client.post("/statements", json=first)).status_code == 200
    batch = [
        a_statement(context={"instructor": {"mbox": "mailto:grace@example.com"}}),
        a_statement(object={"objectType": "StatementRef", "id": first["id"]}),
    ]
    _execute(conninfo, *(statement.format(table) for statement in FULL))
    for _ in range(2):
        answer = await client.post("/statements", json=batch)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["detail"].startswith("The disk of the database is full.")
        assert "No space" not in answer.text
    assert stored_ids(conninfo) == [first["id"]]
    assert faults_in(conninfo) == {}
    assert (await client.get("/statements")).status_code == 200
    _execute(conninfo, *FREE)
    assert (await client.post("/statements", json=batch)).status_code == 200
    assert sorted(stored_ids(conninfo)) == sorted(one["id"] for one in [first, *batch])
    assert faults_in(conninfo) == {}


async def test_a_document_that_finds_no_space_is_503(client: httpx.AsyncClient, conninfo: str) -> None:
    parameters = {"activityId": "urn:x:y", "agent": '{"mbox":"mailto:ada@example.com"}', "stateId": "s"}
    _execute(conninfo, *(statement.format("xapi_document") for statement in FULL))
    assert (await client.put("/activities/state", params=parameters, json={})).status_code == 503
    _execute(conninfo, *FREE)
    assert (await client.put("/activities/state", params=parameters, json={})).status_code == 204


async def test_no_space_for_files_is_507_and_passes(
    client: httpx.AsyncClient, conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, headers = _with_attachment()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        answer = await client.post("/statements", content=content, headers=headers)
        assert answer.status_code == 507
    assert stored_ids(conninfo) == []
    assert (await client.post("/statements", content=content, headers=headers)).status_code == 200


def _with_attachment() -> tuple[bytes, dict[str, str]]:
    sha2 = hashlib.sha256(DATA).hexdigest()
    described = {
        "usageType": "http://example.com/essay",
        "display": {"en": "Essay"},
        "contentType": "text/plain",
        "length": len(DATA),
        "sha2": sha2,
    }
    statement = json.dumps(a_statement(id=str(uuid4()), attachments=[described])).encode()
    parts = (
        b"Content-Type: application/json\r\n\r\n" + statement,
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: "
        + sha2.encode()
        + b"\r\n\r\n"
        + DATA,
    )
    content = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"
    return content, {"Content-Type": "multipart/mixed; boundary=b"}
