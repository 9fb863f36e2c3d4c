"""Pages and JSON of webhooks: who sets them up, what is told of them, and what never is."""

import html
import re
from uuid import UUID

import pytest
from sqlalchemy import select, text

from academe.messaging.webhooks.models import WebhookDelivery, WebhookEndpoint
from academe.messaging.webhooks.service import EndpointWanted, add_endpoint
from academe.messaging.webhooks.types import DeliveryState
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.messaging.webhooks.conftest import SYSTEM
from tests.schools import School
from tests.support.client import ClientOf
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

LIST, JSON = "/webhooks", "/api/v1/webhooks"
URL = "https://hooks.example.org/academe?key=7"
FORM = {"name": "Library", "url": URL, "events": ["enrollment.created", "enrollment.withdrawn"]}
VERBS = ("rotate", "ping", "switch-off", "switch-on", "send-again", "edit", "remove")
JSON_VERBS = ("ping", "switch-off", "switch-on", "deliveries/send-again")


@pytest.fixture
async def endpoint(session: Session, home: School, database: JoinedDatabase) -> UUID:
    administrator = home.actor("administrator")
    async with as_actor(session, administrator):
        issued = await add_endpoint(
            session,
            actor=administrator,
            settings=database.settings,
            wanted=EndpointWanted("Library", URL, ["enrollment.created"]),
        )
    return issued.endpoint.id


@pytest.fixture
async def dead(session: Session, home: School, endpoint: UUID) -> UUID:
    async with as_actor(session, SYSTEM):
        row = WebhookDelivery(endpoint_id=endpoint, institution_id=home.institution.id, event="enrollment.created")
        row.data, row.link, row.state = {"person_id": "1"}, "/people/1", DeliveryState.DEAD
        row.status, row.response, row.failure = 500, "<b>no</b>", "It answers 500."
        session.add(row)
        await session.flush()
    return row.id


class TestWho:
    async def test_nobody_is_asked_to_sign_in(self, client_of: ClientOf, endpoint: UUID) -> None:
        client = client_of()
        for address in (LIST, f"{LIST}/add", f"{LIST}/{endpoint}", f"{LIST}/{endpoint}/edit"):
            assert (await client.get(address)).status_code == 303, address
        for address in (JSON, f"{JSON}/events", f"{JSON}/{endpoint}", f"{JSON}/{endpoint}/deliveries"):
            assert (await client.get(address)).status_code == 401, address
        assert (await client.post(JSON, json=FORM)).status_code == 401

    async def test_others_of_the_institution_may_not(
        self, client_of: ClientOf, home: School, endpoint: UUID, dead: UUID
    ) -> None:
        for who in ("registrar", "faculty_administrator", "auditor", "lecturer", "student0"):
            client = client_of(home.actor(who))
            one = f"{LIST}/{endpoint}"
            for address in (LIST, f"{LIST}/add", one, f"{one}/edit", f"{one}/deliveries/{dead}"):
                assert (await client.get(address)).status_code == 403, (who, address)
            for address in (JSON, f"{JSON}/events", f"{JSON}/{endpoint}", f"{JSON}/{endpoint}/deliveries/{dead}"):
                assert (await client.get(address)).status_code == 403, (who, address)
            for verb in VERBS:
                assert (await client.post(f"{one}/{verb}", data=FORM)).status_code == 403, (who, verb)
            for verb in JSON_VERBS:
                assert (await client.post(f"{JSON}/{endpoint}/{verb}")).status_code == 403, (who, verb)
            assert (await client.post(f"{LIST}/add", data=FORM)).status_code == 403
            assert (await client.post(JSON, json=FORM)).status_code == 403
            assert (await client.put(f"{JSON}/{endpoint}", json=FORM)).status_code == 403
            assert (await client.delete(f"{JSON}/{endpoint}")).status_code == 403
            assert f'href="{LIST}"' not in (await client.get("/notifications")).text

    async def test_the_next_school_does_not_know_of_it(
        self, client_of: ClientOf, away: School, endpoint: UUID, dead: UUID
    ) -> None:
        client = client_of(away.actor("administrator"))
        assert "Library" not in (await client.get(LIST)).text
        assert (await client.get(JSON)).json()["items"] == []
        one = f"{LIST}/{endpoint}"
        for address in (one, f"{one}/edit", f"{one}/deliveries/{dead}", f"{JSON}/{endpoint}/deliveries"):
            assert (await client.get(address)).status_code == 404, address
        for verb in (*VERBS, f"deliveries/{dead}/send-again"):
            assert (await client.post(f"{one}/{verb}", data=FORM)).status_code == 404, verb
        assert (await client.delete(f"{JSON}/{endpoint}")).status_code == 404

    async def test_the_database_holds_alone(self, session: Session, home: School, away: School, dead: UUID) -> None:
        for school, who, rows in ((home, "administrator", 1), (home, "registrar", 0), (away, "administrator", 0)):
            async with as_actor(session, school.actor(who)):
                found = (await session.scalars(select(WebhookDelivery.id))).all()
                assert len(found) == rows, who
                changed = await session.execute(text("UPDATE webhook_endpoint SET name = name"))
                assert changed.rowcount == rows, who  # type: ignore[attr-defined]  # of an UPDATE


class TestPages:
    async def test_one_is_added_changed_and_removed(self, client_of: ClientOf, home: School, session: Session) -> None:
        client = client_of(home.actor("administrator"))
        assert "Nobody is told" in (await client.get(LIST)).text
        done = await client.post(f"{LIST}/add", data=FORM)
        assert done.status_code == 201, done.text
        (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", html.unescape(done.text)))
        (address,) = set(re.findall(r'href="(/webhooks/[0-9a-f-]{36})"', done.text))
        page = await client.get(address)
        assert "A student has got a place in an offering" in page.text
        assert secret not in page.text
        assert secret not in (await client.get(f"{address}/edit")).text
        changed = await client.post(f"{address}/edit", data=FORM | {"name": "Gate", "events": "risk.scored"})
        assert changed.status_code == 303
        assert "Gate" in (await client.get(LIST)).text
        stored = (await session.execute(text("SELECT secret FROM webhook_endpoint"))).scalar_one()
        assert secret.encode() not in bytes(stored)
        assert (await client.post(f"{address}/remove")).status_code == 303
        assert "Nobody is told" in (await client.get(LIST)).text
        entries = (await session.scalars(select(AuditEntry).where(AuditEntry.action.like("webhook.%")))).all()
        assert sorted(each.action for each in entries) == ["webhook.added", "webhook.changed", "webhook.removed"]
        # What opens the program stands in its address, and not in the audit.
        assert "key=7" not in str([each.changes for each in entries])

    async def test_what_is_wrong_is_said_beside_its_field(self, client_of: ClientOf, home: School) -> None:
        client = client_of(home.actor("administrator"))
        for wrong, said in (
            ({"url": "http://169.254.169.254/"}, "is not an address of the public internet"),
            ({"url": "hooks.example.org"}, "Please give an address, such as https://"),
            ({"events": "nothing.such"}, "There are no events called nothing.such."),
            ({"events": ""}, "Please choose at least one."),
            ({"name": " "}, "Please give a name"),
        ):
            answer = await client.post(f"{LIST}/add", data=FORM | wrong)
            assert answer.status_code == 422, wrong
            assert said in html.unescape(answer.text), wrong
        assert (await client.get(JSON)).json()["items"] == []

    async def test_what_was_not_delivered_is_sent_again(
        self, client_of: ClientOf, home: School, endpoint: UUID, dead: UUID, session: Session
    ) -> None:
        client = client_of(home.actor("administrator"))
        one = f"{LIST}/{endpoint}"
        page = (await client.get(f"{one}?state=dead")).text
        assert "It answers 500." in page
        assert "It answers 500." not in (await client.get(f"{one}?state=delivered")).text
        shown = (await client.get(f"{one}/deliveries/{dead}")).text
        assert f"msg_{dead.hex}" in shown
        assert "&lt;b&gt;no&lt;/b&gt;" in shown
        assert (await client.post(f"{one}/deliveries/{dead}/send-again")).status_code == 303
        # It is on its way: once more would be twice.
        assert (await client.post(f"{one}/deliveries/{dead}/send-again")).status_code == 409
        await session.refresh(row := await session.get_one(WebhookDelivery, dead))
        assert (row.state, row.attempts) == (DeliveryState.WAITING, 0)

    async def test_switched_off_it_can_neither_be_tried_nor_sent_again(
        self, client_of: ClientOf, home: School, endpoint: UUID, dead: UUID
    ) -> None:
        client = client_of(home.actor("administrator"))
        one = f"{LIST}/{endpoint}"
        assert (await client.post(f"{one}/switch-off")).status_code == 303
        for verb in ("switch-off", "ping", "send-again", f"deliveries/{dead}/send-again"):
            assert (await client.post(f"{one}/{verb}")).status_code == 409, verb
        assert "Somebody has switched it off." in (await client.get(one)).text
        assert (await client.post(f"{one}/switch-on")).status_code == 303
        assert (await client.post(f"{one}/ping")).status_code == 303

    async def test_a_new_secret_is_told_once(self, client_of: ClientOf, home: School, endpoint: UUID) -> None:
        client = client_of(home.actor("administrator"))
        kept = (await client.post(f"{LIST}/{endpoint}/rotate")).text
        assert "signed with the one before too" in kept
        assert "the one before signs until" in (await client.get(f"{LIST}/{endpoint}")).text
        ended = (await client.post(f"{LIST}/{endpoint}/rotate", data={"at_once": "true"})).text
        assert "no longer used" in ended
        assert "the one before signs until" not in (await client.get(f"{LIST}/{endpoint}")).text


class TestJson:
    async def test_what_pages_do_programs_do_too(self, client_of: ClientOf, home: School, session: Session) -> None:
        client = client_of(home.actor("administrator"))
        events = (await client.get(f"{JSON}/events")).json()
        assert "results.published" in {each["name"] for each in events}
        made = (await client.post(JSON, json=FORM)).json()
        assert made["secret"].startswith("whsec_")
        one = f"{JSON}/{made['id']}"
        shown = (await client.get(one)).json()
        assert (shown["name"], shown["state"], shown["dead"]) == ("Library", "active", 0)
        assert "secret" not in shown
        pinged = await client.post(f"{one}/ping")
        assert pinged.status_code == 202
        (listed,) = (await client.get(f"{one}/deliveries")).json()["items"]
        assert (listed["event"], listed["state"]) == ("webhook.ping", "waiting")
        assert listed["webhook_id"] == pinged.json()["webhook_id"]
        assert (await client.get(f"{one}/deliveries/{listed['id']}")).json() == listed
        assert (await client.put(one, json=FORM | {"name": "Gate"})).status_code == 204
        rotated = (await client.post(f"{one}/rotate", json={})).json()
        assert rotated["secret"] != made["secret"]
        assert (await client.post(f"{one}/switch-off")).status_code == 204
        assert (await client.get(f"{one}/deliveries?state=dead")).json()["items"][0]["id"] == listed["id"]
        assert (await client.post(f"{one}/switch-on")).status_code == 204
        assert (await client.post(f"{one}/deliveries/send-again")).json() == {"count": 1}
        assert (await client.delete(one)).status_code == 204
        assert (await session.scalars(select(WebhookEndpoint))).all() == []
