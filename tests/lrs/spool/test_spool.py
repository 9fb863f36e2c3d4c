"""Statements that come while the database is away: acknowledged, kept, stored in order, once."""

import asyncio
import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select, text

from academe.lrs.senders.service import create_sender
from academe.lrs.senders.types import Scope
from academe.lrs.spool.models import XapiSetAside
from academe.lrs.statements.models import XapiStatement
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Database
from academe.platform.settings import Settings
from tests.lrs.spool.conftest import SYSTEM, NewStore, Store
from tests.lrs.spool.wire import Wire
from tests.lrs.statements.brought import VOIDED, a_statement, about
from tests.support.embedded import IS_ROOT

pytestmark = pytest.mark.anyio

THROUGH = "X-Experience-API-Consistent-Through"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB in the place of the folder."""
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(folder)]
    if not IS_ROOT or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can only be mounted by a privileged root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def rows(database: Database, query: str, **values: object) -> list[Any]:
    async with database.transaction(SYSTEM) as session:
        return list(await session.execute(text(query), values))


async def post(store: Store, *statements: dict[str, Any]) -> httpx.Response:
    return await store.client.post("/statements", json=list(statements))


class TestKept:
    async def test_off_is_503_and_leaves_nothing(self, opened: NewStore, wire: Wire) -> None:
        async with opened(xapi_spool_mebibytes=0) as store:
            await store.known()
            await wire.cut()
            answer = await post(store, a_statement())
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert store.files == []

    async def test_what_is_acknowledged_is_stored_in_order_and_once(
        self, store: Store, wire: Wire, own_database: Database
    ) -> None:
        before = a_statement()
        assert (await post(store, before)).status_code == 200
        await wire.cut()
        sent: list[str] = [before["id"]]
        for _ in range(5):
            unnamed, named, put = a_statement(id=None), a_statement(), a_statement()
            answer = await post(store, unnamed, named)
            assert answer.status_code == 200, answer.text
            assert answer.json()[1] == named["id"]
            sent += answer.json()
            answer = await store.client.put("/statements", params={"statementId": put["id"]}, json=put)
            assert (answer.status_code, answer.content) == (204, b"")
            sent.append(put["id"])
        assert len(store.files) == 1
        await wire.mend()
        await store.drained()
        assert await store.ids() == sent
        assert store.files == []
        entries = await rows(own_database, "SELECT changes FROM audit_entry WHERE action = 'xapi_spool.replayed'")
        assert sum(entry[0]["stored"] for entry in entries) == 15
        assert all(entry[0]["faults"] == [] for entry in entries)
        after = a_statement()
        assert (await post(store, after)).status_code == 200
        assert store.files == [], "what comes now goes to the database again"
        assert (await store.ids())[-1] == after["id"]

    async def test_the_time_of_receipt_is_the_timestamp(self, store: Store, wire: Wire) -> None:
        told = a_statement(timestamp="2026-11-21T10:00:00.000Z")
        await wire.cut()
        first = datetime.now(UTC)
        silent = (await post(store, a_statement(id=None), told)).json()[0]
        last = datetime.now(UTC)
        await asyncio.sleep(0.1)
        await wire.mend()
        await store.drained()
        answer = (await store.client.get("/statements", params={"statementId": silent})).json()
        assert first <= datetime.fromisoformat(answer["timestamp"]) <= last < datetime.fromisoformat(answer["stored"])
        answer = (await store.client.get("/statements", params={"statementId": told["id"]})).json()
        assert answer["timestamp"] == told["timestamp"]

    async def test_it_is_encrypted_and_for_its_owner_alone(self, store: Store, wire: Wire) -> None:
        await wire.cut()
        await post(store, a_statement())
        (file,) = store.files
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        data = file.read_bytes()
        assert b"ada@example.com" not in data
        assert b"quiz" not in data

    async def test_it_is_on_the_disk_before_the_answer(
        self, store: Store, wire: Wire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        synced: list[tuple[bool, int]] = []
        fsync = os.fsync

        def noted(descriptor: int) -> None:
            status = os.fstat(descriptor)
            synced.append((stat.S_ISDIR(status.st_mode), status.st_size))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", noted)
        await wire.cut()
        await post(store, a_statement())
        (file,) = store.files
        assert [is_folder for is_folder, _ in synced] == [False, True, True, False], "head, its name, then the frame"
        assert synced[-1] == (False, file.stat().st_size)
        synced.clear()
        answers = await asyncio.gather(*(post(store, a_statement()) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert len(synced) < 5, "requests that come together go to the disk together"

    async def test_attachments_are_kept_with_their_statement(self, store: Store, wire: Wire) -> None:
        data = b"an essay"
        sha2 = hashlib.sha256(data).hexdigest()
        described = {
            "usageType": "http://example.com/essay",
            "display": {"en": "Essay"},
            "contentType": "text/plain",
            "length": len(data),
            "sha2": sha2,
        }
        statement = a_statement(attachments=[described])
        parts = (
            b"Content-Type: application/json\r\n\r\n" + json.dumps(statement).encode(),
            b"Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: "
            + sha2.encode()
            + b"\r\n\r\n"
            + data,
        )
        content = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"
        await wire.cut()
        headers = {"Content-Type": "multipart/mixed; boundary=b"}
        assert (await store.client.post("/statements", content=content, headers=headers)).status_code == 200
        await wire.mend()
        await store.drained()
        parameters = {"statementId": statement["id"], "attachments": "true"}
        answer = await store.client.get("/statements", params=parameters)
        assert data in answer.content

    async def test_voiding_waits_its_turn(self, store: Store, wire: Wire) -> None:
        voided, kept = a_statement(), a_statement()
        await wire.cut()
        await post(store, voided, kept)
        await post(store, a_statement(verb=VOIDED, object=about(voided["id"])))
        await wire.mend()
        await store.drained()
        assert voided["id"] not in await store.ids()
        assert kept["id"] in await store.ids()
        parameters = {"voidedStatementId": voided["id"]}
        assert (await store.client.get("/statements", params=parameters)).status_code == 200


class TestRefused:
    async def test_what_needs_the_database_is_503(self, store: Store, wire: Wire) -> None:
        await wire.cut()
        state = {"activityId": "urn:x:y", "agent": '{"mbox":"mailto:ada@example.com"}', "stateId": "s"}
        for answer in (
            await store.client.get("/statements"),
            await store.client.get("/activities/state", params=state),
            await store.client.put("/activities/state", params=state, json={}),
            await store.client.get("/agents", params={"agent": state["agent"]}),
        ):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0

    async def test_what_is_wrong_is_still_wrong(self, store: Store, wire: Wire) -> None:
        await wire.cut()
        assert (await post(store, a_statement(verb={"id": "no IRI"}))).status_code == 400
        same = a_statement()
        assert (await post(store, same, same)).status_code == 400
        assert store.files == []

    async def test_nobody_is_let_in_who_was_not_known(self, store: Store, wire: Wire, own_database: Database) -> None:
        async with own_database.transaction(SYSTEM) as session:
            reader = await create_sender(
                session, actor=SYSTEM, name="Reader", home_page="https://r.example", scopes=[Scope.READ_STATEMENTS]
            )
        auth = (reader.sender.key, reader.secret)
        async with store.client_of(auth) as known, store.client_of((auth[0], auth[1][::-1])) as unknown:
            assert (await known.get("/statements")).status_code == 200
            await wire.cut()
            assert (await known.post("/statements", json=a_statement())).status_code == 403
            assert (await unknown.post("/statements", json=a_statement())).status_code in (401, 503)
        assert store.files == []

    async def test_the_bound_is_503_and_nothing_of_it_is_kept(self, opened: NewStore, wire: Wire) -> None:
        async with opened(xapi_spool_mebibytes=1) as store:
            await store.known()
            await wire.cut()
            kept = [a_statement() for _ in range(3)]
            assert (await post(store, *kept)).status_code == 200
            big = [a_statement(object={"id": f"https://campus.example.edu/{'x' * 900}"}) for _ in range(1000)]
            size = store.files[0].stat().st_size
            answer = await post(store, *big)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "60"
            assert store.files[0].stat().st_size == size
            assert not store.endpoint.spool.carries_on
            assert (await post(store, a_statement())).status_code == 200, "there is room for less"
            await wire.mend()
            await store.drained()
            assert len(await store.ids()) == 4
            assert (await post(store, *big)).status_code == 200

    async def test_a_full_disk_is_503_and_passes(self, opened: NewStore, wire: Wire, small_disk: Path) -> None:
        async with opened() as store:
            assert store.settings.data_dir / "spool" == small_disk
            await store.known()
            await wire.cut()
            kept = [a_statement() for _ in range(10)]
            assert (await post(store, *kept)).status_code == 200
            big = [a_statement() for _ in range(400)]
            answer = await post(store, *big)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert "No space" not in answer.text
            more = a_statement()
            assert (await post(store, more)).status_code == 200
            await wire.mend()
            await store.drained()
            assert await store.ids() == [one["id"] for one in [*kept, more]]
            assert (await post(store, *big)).status_code == 200


class TestReplay:
    async def test_a_conflict_is_set_aside_and_the_rest_is_stored(
        self, store: Store, wire: Wire, own_database: Database
    ) -> None:
        first = a_statement()
        assert (await post(store, first)).status_code == 200
        await wire.cut()
        other = first | {"verb": {"id": "http://example.com/verbs/other"}}
        beside = a_statement()
        assert (await post(store, other, beside)).status_code == 200
        await wire.mend()
        await store.drained()
        assert await store.ids() == [first["id"], beside["id"]]
        async with own_database.transaction(SYSTEM) as session:
            (kept,) = (await session.execute(select(XapiSetAside))).scalars()
        assert str(kept.statement_id) == first["id"]
        assert kept.statement["verb"] == other["verb"]
        (entry,) = await rows(
            own_database, "SELECT summary, changes FROM audit_entry WHERE action = 'xapi_statements.set_aside'"
        )
        assert entry[1]["statements"] == [first["id"]]
        assert "ada@" not in str(entry)

    @pytest.mark.parametrize("version", list(Version))
    async def test_the_same_again_is_one(self, store: Store, wire: Wire, version: Version) -> None:
        store.client.headers["X-Experience-API-Version"] = version.value
        before, meanwhile = a_statement(), a_statement()
        await post(store, before)
        await wire.cut()
        for _ in range(3):
            assert (await post(store, before, meanwhile)).status_code == 200
        await wire.mend()
        await store.drained()
        assert await store.ids() == [before["id"], meanwhile["id"]]

    async def test_again_it_adds_nothing(self, opened: NewStore, wire: Wire, own_database: Database) -> None:
        """A crash between the commit and the removal of the file: the file is there again."""
        first = a_statement()
        async with opened() as store:
            await store.known()
            await post(store, first)
            await wire.cut()
            sent = [a_statement() for _ in range(5)]
            await post(store, *sent, first | {"verb": {"id": "http://example.com/verbs/other"}})
            (file,) = store.files
            data = file.read_bytes()
            await wire.mend()
            await store.drained()
        for _ in range(2):
            file.write_bytes(data)
            async with opened() as store:
                await store.drained()
                assert await store.ids() == [one["id"] for one in [first, *sent]]
        assert await rows(own_database, "SELECT count(*) FROM xapi_set_aside") == [(1,)]

    async def test_what_a_process_leaves_the_next_one_stores(self, opened: NewStore, wire: Wire) -> None:
        async with opened() as store:
            await store.known()
            await wire.cut()
            sent = [(await post(store, a_statement())).json()[0] for _ in range(3)]
        async with opened() as store:
            await asyncio.sleep(0.3)
            assert len(store.files) == 1, "nothing waits for the database at the start, and nothing is lost"
            await wire.mend()
            await store.drained()
            assert await store.ids() == sent

    async def test_switched_off_it_still_stores_what_waits(self, opened: NewStore, wire: Wire) -> None:
        async with opened() as store:
            await store.known()
            await wire.cut()
            sent = (await post(store, a_statement())).json()
        await wire.mend()
        async with opened(xapi_spool_mebibytes=0) as store:
            await store.drained()
            assert await store.ids() == sent

    async def test_each_process_has_files_of_its_own(self, opened: NewStore, wire: Wire) -> None:
        async with opened() as one, opened() as two:
            await one.known()
            await two.known()
            await wire.cut()
            sent = [(await post(store, a_statement())).json()[0] for _ in range(3) for store in (one, two)]
            assert len(one.files) == 2
            await wire.mend()
            await one.drained()
            stored = await one.ids()
            assert sorted(stored) == sorted(sent)
            for mine in (sent[::2], sent[1::2]):
                assert [identifier for identifier in stored if identifier in mine] == mine

    async def test_nothing_new_overtakes_what_waits(self, store: Store, wire: Wire) -> None:
        await wire.cut()
        sent: list[str] = []
        for _ in range(20):
            sent += (await post(store, *(a_statement() for _ in range(50)))).json()
        await wire.mend()
        while [path for path in store.files if path.suffix == ".spool"]:
            sent += (await post(store, a_statement())).json()
        sent += (await post(store, a_statement())).json()
        answer = await store.client.get("/statements", params={"ascending": "true", "limit": "0"})
        stored: list[str] = []
        while True:
            body = answer.json()
            stored += [one["id"] for one in body["statements"]]
            if not body["more"]:
                break
            answer = await store.client.get(body["more"].removeprefix("/xapi"))
        assert stored == sent

    async def test_readers_are_told_up_to_when_they_see_everything(self, store: Store, wire: Wire) -> None:
        first = datetime.now(UTC)
        await wire.cut()
        answer = await post(store, a_statement())
        through = datetime.fromisoformat(answer.headers[THROUGH])
        assert through <= datetime.now(UTC)
        await asyncio.sleep(0.2)
        later = await post(store, a_statement())
        assert (
            first
            <= datetime.fromisoformat(later.headers[THROUGH])
            <= first.replace(tzinfo=UTC) + (datetime.now(UTC) - first)
        )
        assert datetime.fromisoformat(later.headers[THROUGH]) <= datetime.now(UTC)
        oldest = int(store.files[0].name.partition("-")[0]) / 1e6
        assert datetime.fromisoformat(later.headers[THROUGH]).timestamp() < oldest
        await wire.mend()
        await store.drained()
        await asyncio.sleep(1.1)
        answer = await store.client.get("/statements")
        assert datetime.fromisoformat(answer.headers[THROUGH]).timestamp() > oldest


class TestTokens:
    async def test_a_token_got_meanwhile_is_good(self, store: Store, wire: Wire, auth: tuple[str, str]) -> None:
        form = {"grant_type": "client_credentials"}
        assert (await store.client.post("/oauth/token", data=form)).status_code == 200
        await wire.cut()
        answer = await store.client.post("/oauth/token", data=form)
        assert answer.status_code == 200, answer.text
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        async with store.client_of(None) as client:
            assert (await client.post("/statements", json=a_statement(), headers=headers)).status_code == 200
            assert (await client.post("/statements", json=a_statement(), headers=headers)).status_code == 200


class TestDamage:
    async def test_a_torn_end_is_cut_off_and_the_rest_is_stored(self, opened: NewStore, wire: Wire) -> None:
        async with opened() as store:
            await store.known()
            await wire.cut()
            sent = (await post(store, a_statement())).json()
            (file,) = store.files
            whole = file.stat().st_size
            await post(store, a_statement())
            os.truncate(file, whole + 40)
        await wire.mend()
        async with opened() as store:
            await store.drained()
            assert await store.ids() == sent
            assert store.files == []

    async def test_a_damaged_part_is_kept_and_told(
        self, opened: NewStore, wire: Wire, settings_of: Callable[..., Settings]
    ) -> None:
        async with opened() as store:
            await store.known()
            await wire.cut()
            ends, sent = [], []
            for _ in range(3):
                sent += (await post(store, a_statement())).json()
                ends.append(store.files[0].stat().st_size)
            (file,) = store.files
            data = bytearray(file.read_bytes())
            data[ends[0] + 100] ^= 1
            file.write_bytes(data)
        await wire.mend()
        async with opened() as store:
            await store.drained()
            assert await store.ids() == [sent[0], sent[2]]
            (kept,) = store.files
            assert kept.suffix == ".damaged"
            assert kept.read_bytes() == bytes(data)
            assert (await store.endpoint.spool.status()).damaged == 1


async def test_statements_of_the_spool_are_counted_by_the_day_they_came(
    store: Store, wire: Wire, own_database: Database
) -> None:
    await wire.cut()
    await post(store, a_statement(id=str(uuid4())))
    await wire.mend()
    await store.drained()
    async with own_database.transaction(SYSTEM) as session:
        (row,) = (await session.execute(select(XapiStatement))).scalars()
    assert row.happened_at.isoformat().startswith(row.statement["timestamp"][:19])
    assert row.happened_at < row.stored
