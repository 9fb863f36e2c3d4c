"""Pages and JSON of senders: who sees them, and that a secret is told once."""

import html
import re
from uuid import UUID

import pytest

from academe.lrs.senders.credentials import Credentials
from academe.lrs.senders.service import create_sender
from academe.lrs.senders.types import Scope
from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from tests.lrs.conftest import ClientOf
from tests.schools import TwoSchools
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

LIST = "/api/v1/lrs/senders"
SECRET = re.compile(r"<code[^>]*>([A-Za-z0-9_-]{43})</code>")


@pytest.fixture
async def sender_id(session: Session, two_schools: TwoSchools) -> UUID:
    """A sender of the first school."""
    system = system_actor("test")
    async with as_actor(session, system):
        issued = await create_sender(
            session,
            actor=system,
            name="Moodle",
            key="moodle",
            home_page="https://lrs.example.org",
            institution_id=two_schools.home.institution.id,
        )
    return issued.sender.id


class TestWho:
    async def test_nobody_is_asked_to_sign_in(self, client_of: ClientOf, sender_id: UUID) -> None:
        for address in ("/lrs/senders", "/lrs/senders/add", f"/lrs/senders/{sender_id}"):
            assert (await client_of().get(address)).status_code == 303
        for address in (LIST, f"{LIST}/{sender_id}"):
            assert (await client_of().get(address)).status_code == 401

    async def test_others_of_the_institution_may_not(
        self, client_of: ClientOf, sender_id: UUID, two_schools: TwoSchools
    ) -> None:
        for who in ("registrar", "faculty_administrator", "auditor", "lecturer", "student0"):
            client = client_of(two_schools.home.actor(who))
            for address in ("/lrs/senders", "/lrs/senders/add", f"/lrs/senders/{sender_id}", LIST):
                assert (await client.get(address)).status_code == 403, (who, address)
            for address in (f"/lrs/senders/{sender_id}/revoke", f"{LIST}/{sender_id}/rotate"):
                assert (await client.post(address)).status_code == 403, (who, address)

    async def test_the_next_school_does_not_know_of_it(
        self, client_of: ClientOf, sender_id: UUID, two_schools: TwoSchools
    ) -> None:
        client = client_of(two_schools.away.actor("administrator"))
        assert "Moodle" not in (await client.get("/lrs/senders")).text
        assert (await client.get(LIST)).json()["items"] == []
        for address in (f"/lrs/senders/{sender_id}", f"{LIST}/{sender_id}"):
            assert (await client.get(address)).status_code == 404
        for address in (f"/lrs/senders/{sender_id}/rotate", f"{LIST}/{sender_id}/revoke"):
            assert (await client.post(address)).status_code == 404

    async def test_operators_see_and_change_nothing(
        self, client_of: ClientOf, sender_id: UUID, operator: Actor
    ) -> None:
        client = client_of(operator)
        page = await client.get("/lrs/senders")
        assert "Moodle" in page.text
        assert "Add a sender" not in page.text
        page = await client.get(f"/lrs/senders/{sender_id}")
        assert page.status_code == 200
        assert "/rotate" not in page.text
        assert (await client.get("/lrs/senders/add")).status_code == 403
        assert (await client.post("/lrs/senders/add", data={"name": "x", "scopes": "all"})).status_code == 403
        for verb in ("rotate", "revoke"):
            assert (await client.post(f"/lrs/senders/{sender_id}/{verb}")).status_code == 403
        assert (await client.post(LIST, json={"name": "x"})).status_code == 403

    async def test_the_navigation_leads_there(
        self, client_of: ClientOf, two_schools: TwoSchools, operator: Actor
    ) -> None:
        for actor, shown in (
            (operator, True),
            (two_schools.home.actor("administrator"), True),
            (two_schools.home.actor("registrar"), False),
        ):
            page = await client_of(actor).get("/models")
            assert ('href="/lrs/senders"' in page.text) == shown, actor.label


class TestPages:
    async def test_a_sender_is_added_and_its_secret_told_once(
        self, client_of: ClientOf, two_schools: TwoSchools, database: JoinedDatabase
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        form = {
            "name": "Quiz & Lab",
            "key": "quiz",
            "scopes": ["state", "statements/write"],
            "expires_on": "2099-12-31",
        }
        told = await client.post("/lrs/senders/add", data=form)
        assert told.status_code == 201
        assert "no-store" in told.headers["cache-control"]
        assert "set-cookie" not in told.headers
        (secret,) = SECRET.findall(told.text)
        known = await Credentials(database).sender_with("quiz", secret)
        assert known.sender.scopes == {Scope.STATE, Scope.WRITE_STATEMENTS}
        assert known.ends_at is not None
        assert f"{known.ends_at:%Y-%m-%d %H:%M}" == "2099-12-31 23:59"
        for address in ("/lrs/senders", f"/lrs/senders/{known.sender.id}"):
            page = await client.get(address)
            assert "Quiz &amp; Lab" in page.text
            assert secret not in page.text

    async def test_what_is_wrong_stands_beside_its_field(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        for form, status, said in (
            ({"scopes": "all"}, 422, "Please fill this in."),
            ({"name": "x"}, 422, "Please choose at least one."),
            ({"name": "x", "scopes": "root"}, 422, "Please choose one of"),
            ({"name": "x", "scopes": "all", "key": "a b"}, 422, "Please use 3 to 64 letters"),
            ({"name": "x", "scopes": "all", "expires_on": "2001-01-01"}, 422, "still to come"),
        ):
            page = await client.post("/lrs/senders/add", data=form)
            assert page.status_code == status, form
            assert said in html.unescape(page.text), form
        done = await client.post("/lrs/senders/add", data={"name": "x", "scopes": "all", "key": "xyz"})
        assert done.status_code == 201
        again = await client.post("/lrs/senders/add", data={"name": "x", "scopes": "all", "key": "xyz"})
        assert again.status_code == 409
        assert "is already used" in again.text
        assert re.search(r'value="all"[^>]* checked', again.text)

    async def test_rotate_and_revoke(
        self, client_of: ClientOf, two_schools: TwoSchools, sender_id: UUID, database: JoinedDatabase
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        page = await client.get(f"/lrs/senders/{sender_id}")
        assert f'action="/lrs/senders/{sender_id}/rotate"' in page.text
        told = await client.post(f"/lrs/senders/{sender_id}/rotate")
        assert told.status_code == 200
        (secret,) = SECRET.findall(told.text)
        assert (await Credentials(database).sender_with("moodle", secret)).sender.id == sender_id
        done = await client.post(f"/lrs/senders/{sender_id}/revoke")
        assert (done.status_code, done.headers["location"]) == (303, f"/lrs/senders/{sender_id}")
        page = await client.get(f"/lrs/senders/{sender_id}")
        assert "Revoked" in page.text
        assert "/rotate" not in page.text
        assert (await client.post(f"/lrs/senders/{sender_id}/rotate")).status_code == 409

    async def test_htmx_gets_the_table_alone(
        self, client_of: ClientOf, two_schools: TwoSchools, sender_id: UUID
    ) -> None:
        part = await client_of(two_schools.home.actor("administrator"), htmx=True).get("/lrs/senders")
        assert part.text.lstrip().startswith('<div id="senders"')


class TestJson:
    async def test_a_program_adds_lists_rotates_and_revokes(
        self, client_of: ClientOf, two_schools: TwoSchools, database: JoinedDatabase
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        made = await client.post(LIST, json={"name": "Canvas", "scopes": ["all"]})
        assert made.status_code == 201, made.text
        assert "no-store" in made.headers["cache-control"]
        added = made.json()
        assert added["institution_id"] == str(two_schools.home.institution.id)
        assert (await Credentials(database).sender_with(added["key"], added["secret"])).sender.name == "Canvas"
        (listed,) = (await client.get(LIST)).json()["items"]
        assert listed["last_used_at"] is not None
        assert "secret" not in listed
        rotated = (await client.post(f"{LIST}/{added['id']}/rotate")).json()
        assert rotated["secret"] != added["secret"]
        revoked = (await client.post(f"{LIST}/{added['id']}/revoke")).json()
        assert revoked["state"] == "revoked"
        assert (await client.get(f"{LIST}/{added['id']}")).json()["revoked_at"] == revoked["revoked_at"]

    async def test_what_is_wrong_is_named(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        for body, field in (
            ({"name": ""}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"name": "x", "scopes": []}, "scopes"),
            ({"name": "x", "scopes": ["root"]}, "scopes.0"),
            ({"name": "x", "key": "-"}, "key"),
            ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ):
            answer = await client.post(LIST, json=body)
            assert answer.status_code == 422, body
            assert answer.json()["errors"][0]["field"] == field
        other = {"name": "x", "institution_id": str(two_schools.away.institution.id)}
        assert (await client.post(LIST, json=other)).status_code == 403
        assert (await client.get(f"{LIST}/{new_id()}")).status_code == 404
