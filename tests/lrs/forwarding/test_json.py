"""JSON of forwards, for those who may; who may not is tested beside the pages."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from academe.lrs.forwarding.models import XapiForward
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from tests.insight.test_worklist import Statements
from tests.lrs.conftest import ClientOf
from tests.lrs.forwarding.kept import ANSWER, BODY, JSON, LIST, SECRET, SYSTEM, Kept, entries
from tests.schools import TwoSchools
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio


class TestJson:
    async def test_a_program_adds_reads_changes_and_removes(
        self, client_of: ClientOf, two_schools: TwoSchools, session: Session
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        sent: dict[str, Any] = BODY | {"version": "2.0", "agents": ["mbox:ada@example.com"], "voiding": False}
        made = await client.post(JSON, json=sent | {"since": "2026-01-01T00:00:00Z"})
        assert made.status_code == 201, made.text
        added = made.json()
        assert SECRET not in made.text
        assert (added["state"], added["agents"], added["voiding"], added["version"]) == ("active", 1, False, "2.0")
        assert added["institution_id"] == str(two_schools.home.institution.id)
        address = f"{JSON}/{added['id']}"
        assert (await client.get(address)).json()["position"].startswith("2025-12-31T23:59:59.999999")
        elsewhere = {"name": "Analytics", "endpoint": "https://else.example.org/xapi"}
        refused = await client.put(address, json=elsewhere)
        assert refused.status_code == 422, "the secret would go elsewhere"
        assert [each["field"] for each in refused.json()["errors"]] == ["key", "secret"]
        assert (await client.put(address, json=elsewhere | {"key": "us", "secret": "new"})).status_code == 204
        assert (await client.get(address)).json()["endpoint"] == elsewhere["endpoint"]
        assert (await client.post(f"{address}/pause")).status_code == 204
        assert (await client.get(address)).json()["pause_reason"] == "person"
        assert (await client.post(f"{address}/resume")).status_code == 204
        assert (await client.post(f"{address}/retry")).status_code == 204
        assert (await client.delete(address)).status_code == 204
        assert (await client.get(address)).status_code == 404
        made_entries = await entries(session, UUID(added["id"]))
        assert [each.action.partition(".")[2] for each in made_entries] == [
            *("created", "changed", "paused", "resumed", "retried", "removed")
        ]
        changes = made_entries[1].changes or {}
        assert changes["endpoint"] == [BODY["endpoint"], elsewhere["endpoint"]]
        assert changes["credentials"] == "replaced"

    async def test_letters(self, client_of: ClientOf, kept: Kept, two_schools: TwoSchools, session: Session) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        (letter,) = (await client.get(f"{kept.json}/letters")).json()["items"]
        assert (letter["answer"], letter["again_at"]) == (ANSWER, None)
        assert (await client.post(f"{kept.json}/letters/retry")).json() == {"count": 1}
        assert (await client.post(f"{kept.json}/letters/{kept.letter}/retry")).status_code == 204
        assert (await client.get(f"{kept.json}/letters")).json()["items"][0]["again_at"] is not None
        assert (await client.delete(f"{kept.json}/letters/{kept.letter}")).status_code == 204
        assert (await client.delete(f"{kept.json}/letters/{kept.letter}")).status_code == 404
        assert (await client.get(f"{kept.json}/letters")).json()["items"] == []

    async def test_what_is_wrong_is_named(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        for wrong, field in (
            ({"name": ""}, "name"),
            ({"endpoint": "x"}, "endpoint"),
            ({"endpoint": "https://[::1"}, "endpoint"),
            ({"endpoint": "https://0.0.0.0/xapi"}, "endpoint"),
            ({"version": "3"}, "version"),
            ({"key": None}, "key"),
            ({"secret": "a\nb"}, "secret"),
            ({"verbs": ["did"]}, "verbs.0"),
            ({"agents": ["nobody"]}, "agents"),
            ({"senders": [str(new_id())]}, "senders"),
            ({"since": "yesterday"}, "since"),
        ):
            answer = await client.post(JSON, json=BODY | wrong)
            assert answer.status_code == 422, wrong
            assert answer.json()["errors"][0]["field"] == field, answer.text
        other = BODY | {"institution_id": str(two_schools.away.institution.id)}
        assert (await client.post(JSON, json=other)).status_code == 403
        assert (await client.get(f"{JSON}/{new_id()}")).status_code == 404

    async def test_lists_are_paged(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        for number in range(3):
            assert (await client.post(JSON, json=BODY | {"name": f"Store {number}"})).status_code == 201
        first = (await client.get(JSON, params={"limit": 2})).json()
        second = (await client.get(JSON, params={"limit": 2, "cursor": first["next_cursor"]})).json()
        assert [each["name"] for each in (*first["items"], *second["items"])] == ["Store 0", "Store 1", "Store 2"]

    async def test_a_list_of_many_asks_the_database_as_often_as_one_of_one(
        self, client_of: ClientOf, two_schools: TwoSchools, database: JoinedDatabase
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        counts = []
        for number in range(3):
            assert (await client.post(JSON, json=BODY | {"name": f"Store {number}"})).status_code == 201
            statements = Statements(database)
            assert (await client.get(LIST)).text.count("Store ") >= number + 1
            counts.append(statements.end())
        assert counts[0] == counts[2]
        assert counts[0] <= 8, counts


async def test_the_secret_is_in_the_database_encrypted_and_in_no_list(kept: Kept, session: Session) -> None:
    async with as_actor(session, SYSTEM):
        forward = (await session.execute(select(XapiForward).where(XapiForward.id == kept.id))).scalar_one()
    assert forward.secret == SECRET
    assert SECRET not in repr(forward)
